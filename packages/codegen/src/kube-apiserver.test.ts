/**
 * What only a real kube-apiserver can say: every CRD is a valid structural schema, its CEL rules compile and cost little
 * enough, samples are accepted, and what is immutable or contradictory is refused with a message that helps.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { allKinds, foreignKind, type Kind, type KubernetesObject } from "@krate/kinds";
import { type KubeClient, kubeClient, loadKubeConfig } from "@krate/kube";
import { eventually, skipWithout, withControlPlane } from "@krate/testing";
import { parse, parseAllDocuments } from "yaml";
import { columnsOf } from "./crd.ts";
import { generateProgramAccess } from "./rbac/generate-programs.ts";
import { generateRoles } from "./rbac/roles.ts";
import { readSamples } from "./read-samples.ts";
import { type AnyObject, type InstalledKinds, installKinds } from "./testing/installed-kinds.ts";

const root = join(import.meta.dirname, "../../..");
const samples = readSamples(root, allKinds);
const kindNamed = (name: string): Kind => {
  const kind = allKinds.find((candidate) => candidate.kind === name);
  if (!kind) throw new Error(`no kind ${name}`);
  return kind;
};

skipWithout("envtest")("a real kube-apiserver", () => {
  const controlPlane = withControlPlane();
  let client: KubeClient;
  let kinds: InstalledKinds;

  beforeAll(async () => {
    client = kubeClient(await loadKubeConfig(controlPlane().kubeconfig), { userAgent: "codegen-test" });
    kinds = await installKinds(client);
  }, 60_000);

  afterAll(async () => {
    await kinds?.remove();
    await client?.close();
  }, 60_000);

  const sampleOf = (kind: Kind): AnyObject => {
    const { metadata, ...object } = parse(samples.get(kind.kind)?.[0] ?? "") as AnyObject;
    const { name = "", generateName = `${name}-` } = metadata ?? {};
    const { group, version } = kinds.of(kind);
    return { ...object, apiVersion: `${group}/${version}`, metadata: { generateName, namespace: kinds.namespace } };
  };
  const create = async (kind: Kind, object: AnyObject) => {
    await kinds.established(kind);
    return client.create(kinds.of(kind), object as never, { fieldValidation: "Strict" }) as Promise<AnyObject>;
  };
  const createWhenServed = (kind: Kind, object: AnyObject) =>
    eventually(() => create(kind, object), { description: `${kind.kind} created` });

  test.each(allKinds.map((kind) => [kind.kind, kind] as const))(
    "accepts %s and its sample, and refuses to move it to another organization",
    async (_, kind) => {
      const object = sampleOf(kind);
      const created = await createWhenServed(kind, object);
      expect(created.spec).toMatchObject(object.spec ?? {});
      if (object.spec?.organizationRef === undefined) return;
      const key = { namespace: kinds.namespace, name: created.metadata?.name ?? "" };
      await expect(
        client.patch(kinds.of(kind), key, { spec: { organizationRef: "elsewhere" } }, { type: "merge" }),
      ).rejects.toMatchObject({ reason: "Invalid", message: expect.stringContaining("immutable") });
    },
    30_000,
  );

  test.each(allKinds.map((kind) => [kind.kind, kind] as const))(
    "prints %s with the declared columns and selects by its fields",
    async (_, kind) => {
      const { metadata } = await createWhenServed(kind, sampleOf(kind));
      const { group, version, plural } = kinds.of(kind);
      const path = `/apis/${group}/${version}/namespaces/${kinds.namespace}/${plural}`;
      const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
      const table = await client.raw({ path: `${path}/${metadata?.name ?? ""}`, headers: { accept } });
      const { columnDefinitions } = (await table.json()) as { columnDefinitions: { name: string }[] };
      expect(columnDefinitions.map(({ name }) => name)).toEqual(["Name", ...columnsOf(kind).map(({ name }) => name)]);
      for (const field of kind.selectableFields ?? []) {
        const fieldSelector = `${field.slice(1)}=nothing-has-this`;
        const selected = await client.list(kinds.of(kind), { namespace: kinds.namespace, fieldSelector });
        expect(selected.items).toEqual([]);
      }
    },
    30_000,
  );

  test("accepts every role and identity", async () => {
    const objects = [...generateRoles(allKinds), ...generateProgramAccess(allKinds)].flatMap(({ content }) =>
      parseAllDocuments(content).map((document) => document.toJS()),
    );
    for (const { metadata, ...object } of objects) {
      const [group = "", version = ""] = object.apiVersion.includes("/") ? object.apiVersion.split("/") : ["", "v1"];
      const scope = metadata.namespace ? "Namespaced" : "Cluster";
      const kind = foreignKind({ group, version, kind: object.kind, plural: `${object.kind.toLowerCase()}s`, scope });
      const namespaced = metadata.namespace ? { namespace: kinds.namespace } : {};
      const named = { ...object, metadata: { name: `${kinds.namespace}-${metadata.name}`, ...namespaced } };
      await client.create(kind, named, { dryRun: true, fieldValidation: "Strict" });
    }
    expect(objects.length).toBeGreaterThan(30);
  }, 30_000);

  test("accepts every example", async () => {
    const names = readdirSync(join(root, "examples")).filter((name) => name.endsWith(".yaml"));
    const objects = names.flatMap((name) =>
      parseAllDocuments(readFileSync(join(root, "examples", name), "utf8")).map((document) => document.toJS()),
    );
    for (const object of objects) {
      const kind = kindNamed(object.kind);
      const { group, version } = kinds.of(kind);
      const metadata = { ...object.metadata, namespace: kinds.namespace };
      const created = await createWhenServed(kind, { ...object, apiVersion: `${group}/${version}`, metadata });
      expect(created.metadata?.uid).toBeTruthy();
    }
  }, 30_000);

  describe("refuses on create", () => {
    test.each([
      {
        kind: "BranchProtection",
        spec: { refs: ["main"] },
        message: "must be a full ref name or glob such as refs/heads/main",
        reason: "a bare branch name would protect nothing",
      },
      {
        kind: "BranchProtection",
        spec: { repository: "hello", repositorySelector: { matchLabels: { tier: "one" } } },
        message: "repository and repositorySelector may not be specified together",
        reason: "one of them would be ignored",
      },
      {
        kind: "RefPolicy",
        spec: { rules: [{ name: "small", type: "max-object-size" }] },
        message: "params.maxBytes is required for type max-object-size",
        reason: "a limit without a number limits nothing",
      },
      {
        kind: "RefPolicy",
        spec: { rules: [{ name: "hook", type: "wasm" }] },
        message: "wasm must be specified for type wasm",
        reason: "there is no module to run",
      },
      {
        kind: "RunnerPool",
        spec: { warmReplicas: 20, maxReplicas: 10 },
        message: "warmReplicas may not be greater than maxReplicas",
        reason: "scaling could not obey both",
      },
      {
        kind: "RunnerPool",
        spec: { trustTier: "untrusted", secretGrants: ["token"] },
        message: "secretGrants must be empty when trustTier is untrusted",
        reason: "forks would read secrets (RUN-08)",
      },
      {
        kind: "RunnerPool",
        spec: { trustTier: null, secretGrants: ["token"] },
        message: "secretGrants must be empty when trustTier is untrusted",
        reason: "untrusted is the default, and rules judge the object after defaulting",
      },
      {
        kind: "WebhookSubscription",
        spec: { url: "http://hooks.example.com" },
        message: "url must start with https:// unless allowInsecure is true",
        reason: "payloads would travel in the clear",
      },
      {
        kind: "Pipeline",
        spec: { fork: true, trustTier: "trusted" },
        message: "trustTier must be untrusted for code of a fork",
        reason: "code of strangers would see secrets (D12)",
      },
      {
        kind: "ReviewComment",
        spec: { startLine: 9, line: 3 },
        message: "startLine may not be after line",
        reason: "no such range",
      },
      {
        kind: "SSHKey",
        spec: { scope: "deploy", owner: null },
        message: "repository is required for scope deploy",
        reason: "a deploy key opens exactly one repository",
      },
      {
        kind: "AgentMcpServer",
        spec: { transport: "stdio" },
        message: "command must be specified for transport stdio",
        reason: "there is nothing to start",
      },
    ])("$kind: $message ($reason)", async ({ kind, spec, message }) => {
      const definition = kindNamed(kind);
      const sample = sampleOf(definition);
      await createWhenServed(definition, sample);
      const merged = Object.entries({ ...sample.spec, ...spec }).filter(([, value]) => value !== null);
      await expect(create(definition, { ...sample, spec: Object.fromEntries(merged) })).rejects.toMatchObject({
        reason: "Invalid",
        message: expect.stringContaining(message),
      });
    });
  });

  describe("refuses to change", () => {
    test.each([
      { kind: "PullRequest", spec: { head: "other" }, reason: "reviews are about this head" },
      { kind: "PullRequest", spec: { headRepository: { organization: "x", name: "y" } }, reason: "trust was computed" },
      { kind: "Review", spec: { decision: "comment" }, reason: "a verdict stands until dismissed" },
      { kind: "Pipeline", spec: { sha: "0".repeat(40) }, reason: "a rerun is a new object" },
      { kind: "Job", spec: { runnerPool: "trusted-too" }, reason: "trust was checked for this pool" },
      { kind: "GitEvent", spec: { decision: "Rejected" }, reason: "events are history" },
      { kind: "WebhookDelivery", spec: { eventType: "push" }, reason: "a replay is a new object" },
      { kind: "RepositoryPermission", spec: { repository: "other" }, reason: "another grant is another object" },
      { kind: "Repository", spec: { forkOf: { name: "other" } }, reason: "history is not rewritten" },
    ])("$kind $spec: $reason", async ({ kind, spec }) => {
      const definition = kindNamed(kind);
      const created = await createWhenServed(definition, sampleOf(definition));
      const key = { namespace: kinds.namespace, name: created.metadata?.name ?? "" };
      await expect(client.patch(kinds.of(definition), key, { spec }, { type: "merge" })).rejects.toMatchObject({
        reason: "Invalid",
        message: expect.stringContaining("immutable"),
      });
    });
  });

  test("a cancelled pipeline stays cancelled", async () => {
    const Pipeline = kindNamed("Pipeline");
    const sample = sampleOf(Pipeline);
    const { metadata } = await createWhenServed(Pipeline, {
      ...sample,
      spec: { ...sample.spec, cancelRequested: true },
    });
    const key = { namespace: kinds.namespace, name: metadata?.name ?? "" };
    await expect(
      client.patch(kinds.of(Pipeline), key, { spec: { cancelRequested: false } }, { type: "merge" }),
    ).rejects.toMatchObject({ message: expect.stringContaining("cancelRequested cannot be taken back") });
  });

  test("the example policy stops the merge of a pull request without a description, and says what to do", async () => {
    const PullRequest = kindNamed("PullRequest");
    const group = kinds.of(PullRequest).group;
    const text = readFileSync(join(root, "examples/policies/require-pr-description.yaml"), "utf8")
      .replaceAll("forge.krate.a5c.ai", group)
      .replaceAll("require-pr-description", kinds.namespace);
    const [policy, binding] = parseAllDocuments(text).map((document) => document.toJS());
    const admission = (kind: string, plural: string) =>
      foreignKind<KubernetesObject & { metadata: object }>({
        group: "admissionregistration.k8s.io",
        version: "v1",
        kind,
        plural,
        scope: "Cluster",
      });
    const Policies = admission("ValidatingAdmissionPolicy", "validatingadmissionpolicies");
    const Bindings = admission("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings");
    const sample = sampleOf(PullRequest);
    const bare = await createWhenServed(PullRequest, { ...sample, spec: { ...sample.spec, body: "short" } });
    const described = await createWhenServed(PullRequest, sample);
    try {
      await client.create(Policies, policy);
      await client.create(Bindings, binding);
      const merge = (object: AnyObject) =>
        client.patch(
          kinds.of(PullRequest),
          { namespace: kinds.namespace, name: object.metadata?.name ?? "" },
          { spec: { merged: true } },
          { type: "merge", dryRun: true },
        );
      const refusal = await eventually(
        () =>
          merge(bare).then(
            () => undefined,
            (error: Error) => error.message,
          ),
        {
          timeoutSeconds: 20,
          description: "the policy is in force",
        },
      );
      expect(refusal).toContain("needs a description of at least 20 characters before it is merged");
      expect(refusal).toContain(`kubectl patch pullrequests.${group} ${bare.metadata?.name ?? ""} --type=merge`);
      await expect(merge(described)).resolves.toBeDefined();
    } finally {
      await client.delete(Bindings, { name: kinds.namespace });
      await client.delete(Policies, { name: kinds.namespace });
    }
  }, 40_000);
});
