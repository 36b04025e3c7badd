/**
 * What only a real kube-apiserver can say: every CRD is a valid structural schema, its CEL rules compile and cost little
 * enough, samples are accepted, and what is immutable is refused. Runs under groups of its own, so that nobody else on a
 * shared control plane meets these CRDs.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { allKinds, foreignKind, type Kind, type KubernetesObject, Namespace } from "@krate/kinds";
import { type KubeClient, kubeClient, loadKubeConfig } from "@krate/kube";
import { eventually, skipWithout, withControlPlane } from "@krate/testing";
import { parse } from "yaml";
import { type CustomResourceDefinition, crdOf } from "./crd.ts";
import { readSamples } from "./read-samples.ts";

type AnyObject = KubernetesObject & { spec?: Record<string, unknown>; status?: Record<string, unknown> };
type Crd = CustomResourceDefinition & {
  status?: { conditions?: { type: string; status: string; message?: string }[] };
};

const Crds = foreignKind<Crd>({
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  scope: "Cluster",
});

const samples = readSamples(`${import.meta.dirname}/../../..`, allKinds);
const suffix = `t${process.pid}-${Date.now().toString(36)}.codegen.test`;
const namespace = `codegen-${suffix.split(".")[0] ?? ""}`;

/** The kind as this test installs it. */
const installed = (kind: Kind): Kind => ({
  ...kind,
  group: `${kind.storage === "etcd" ? "krate" : "forge"}.${suffix}`,
});
const sampleOf = (kind: Kind): AnyObject => {
  const object = parse(samples.get(kind.kind)?.[0] ?? "") as AnyObject;
  return { ...object, apiVersion: `${kind.group}/${kind.version}`, metadata: { ...object.metadata, namespace } };
};

skipWithout("envtest")("a real kube-apiserver", () => {
  const controlPlane = withControlPlane();
  let client: KubeClient;

  beforeAll(async () => {
    client = kubeClient(await loadKubeConfig(controlPlane().kubeconfig), { userAgent: "codegen-test" });
    await client.create(Namespace, { metadata: { name: namespace } });
    await Promise.all(allKinds.map((kind) => client.create(Crds, crdOf(installed(kind)))));
  }, 60_000);

  afterAll(async () => {
    await Promise.all(
      allKinds.map(installed).map((kind) => client.delete(Crds, { name: `${kind.plural}.${kind.group}` })),
    );
    await client.delete(Namespace, { name: namespace });
    await client.close();
  }, 60_000);

  const establish = (kind: Kind) =>
    eventually(
      async () => {
        const { status } = await client.get(Crds, { name: `${kind.plural}.${kind.group}` });
        const is = (type: string) => status?.conditions?.find((condition) => condition.type === type);
        expect(is("NonStructuralSchema")?.message).toBeUndefined();
        expect(is("NamesAccepted")).toMatchObject({ status: "True" });
        expect(is("Established")).toMatchObject({ status: "True" });
        return true;
      },
      { timeoutSeconds: 10, description: `CRD of ${kind.kind} established` },
    );

  test.each(allKinds.map((kind) => [kind.kind, installed(kind)] as const))(
    "accepts %s, its sample, and refuses to change what is immutable",
    async (_, kind) => {
      await establish(kind);
      const object = sampleOf(kind);
      const created = await eventually(() => client.create(kind, object as never, { fieldValidation: "Strict" }), {
        description: `${kind.kind} served`,
      });
      expect(created.metadata.uid).toBeTruthy();
      expect((created as AnyObject).spec).toMatchObject(object.spec ?? {});

      const key = { namespace, name: created.metadata.name ?? "" };
      if (object.spec?.organizationRef === undefined) return;
      await expect(
        client.patch(kind, key, { spec: { organizationRef: "elsewhere" } }, { type: "merge" }),
      ).rejects.toMatchObject({ reason: "Invalid", message: expect.stringContaining("immutable") });
    },
    30_000,
  );
});
