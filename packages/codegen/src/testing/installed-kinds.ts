import { allKinds, foreignKind, type Kind, type KubernetesObject, Namespace } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import { eventually } from "@krate/testing";
import { type CustomResourceDefinition, crdOf } from "../crd.ts";

export type AnyObject = KubernetesObject & { spec?: Record<string, unknown>; status?: Record<string, unknown> };

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

/** Every kind as a CRD under groups of one test run, so that nobody else on a shared control plane meets them. */
export interface InstalledKinds {
  namespace: string;
  /** The kind under the group of this run. */
  of(kind: Kind): Kind;
  /** Resolves when the kind is served; throws with the server's message when it never will be. */
  established(kind: Kind): Promise<void>;
  remove(): Promise<void>;
}

export async function installKinds(client: KubeClient): Promise<InstalledKinds> {
  const run = `t${process.pid}-${Date.now().toString(36)}`;
  const namespace = `codegen-${run}`;
  const of = (kind: Kind): Kind => ({
    ...kind,
    group: `${kind.storage === "etcd" ? "krate" : "forge"}.${run}.codegen.test`,
  });
  const crdName = (kind: Kind) => `${kind.plural}.${of(kind).group}`;
  await client.create(Namespace, { metadata: { name: namespace } });
  await Promise.all(allKinds.map((kind) => client.create(Crds, crdOf(of(kind)))));
  return {
    namespace,
    of,
    async established(kind) {
      await eventually(
        async () => {
          const { status } = await client.get(Crds, { name: crdName(kind) });
          const condition = (type: string) => status?.conditions?.find((candidate) => candidate.type === type);
          const problem = [condition("NonStructuralSchema"), condition("NamesAccepted")].find(
            (candidate) =>
              candidate?.message && (candidate.type === "NonStructuralSchema" || candidate.status === "False"),
          );
          if (problem) throw new Error(`${kind.kind}: ${problem.message ?? ""}`);
          return condition("Established")?.status === "True";
        },
        { description: `CRD of ${kind.kind} established` },
      );
    },
    async remove() {
      await Promise.all(allKinds.map((kind) => client.delete(Crds, { name: crdName(kind) })));
      await client.delete(Namespace, { name: namespace });
    },
  };
}
