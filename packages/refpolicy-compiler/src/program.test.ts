/** The whole program against a real API server. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { startProgram } from "@krate/controller";
import { withApiServer } from "@krate/controller/testing";
import {
  BranchProtection,
  ConfigMap,
  type ConfigMapType,
  findCondition,
  GitEvent,
  RefPolicy,
  Repository,
} from "@krate/kinds";
import { parseBundle } from "@krate/refpolicy";
import { assembleHook } from "@krate/refpolicy/testing";
import { eventually } from "@krate/testing";
import { readConfig } from "./config.ts";
import { bundleName } from "./plan-bundle.ts";
import { refpolicyCompiler } from "./program.ts";

const namespace = "acme";
const organizationRef = "acme";

describe("refpolicy-compiler", () => {
  const server = withApiServer({ namespaces: [namespace] });
  const stop = new AbortController();
  let finished: Promise<void>;
  beforeAll(async () => {
    const config = readConfig({ KRATE_LEADER_ELECTION: "false", KRATE_LOG_LEVEL: "silent" });
    const running = await startProgram(
      { ...refpolicyCompiler(config), client: server().as("refpolicy-compiler") },
      stop.signal,
    );
    finished = running.finished;
    await running.ready;
  });
  afterAll(async () => {
    stop.abort(new Error("test over"));
    await finished;
  });

  const configMap = () => server().client.find(ConfigMap, { namespace, name: bundleName });
  const rulesOf = (map: ConfigMapType | undefined) =>
    parseBundle(map?.data?.["bundle.json"] ?? "").rules.map(({ policy, rule }) => `${policy} ${rule}`);

  it("gives a namespace with a repository an empty bundle", async () => {
    await server().client.create(Repository, {
      metadata: { namespace, name: "web" },
      spec: { organizationRef, visibility: "private" },
    });
    await eventually(async () => rulesOf(await configMap()).length === 0 && (await configMap()) !== undefined);
  });

  it("compiles a protection, and its status says with which hash", async () => {
    await server().client.create(BranchProtection, {
      metadata: { namespace, name: "main" },
      spec: { organizationRef, refs: ["refs/heads/main"] },
    });
    const protection = await eventually(async () => {
      const object = await server().client.get(BranchProtection, { namespace, name: "main" });
      return object.status?.phase === "Active" && object;
    });
    const map = await configMap();
    expect(rulesOf(map)).toEqual([
      "BranchProtection/main require-pull-request",
      "BranchProtection/main block-force-push",
      "BranchProtection/main deny-deletion",
    ]);
    expect(protection.status).toMatchObject({
      compiledHash: map?.metadata?.annotations?.["krate.a5c.ai/refpolicy-hash"],
      appliedTo: { repositories: 1, refs: 1 },
    });
    expect(findCondition(protection, "Ready")).toMatchObject({ status: "True", reason: "Active" });
  });

  const policy = (pattern: string) => ({
    organizationRef,
    rules: [{ name: "message", type: "commit-message-pattern" as const, params: { pattern } }],
  });
  const refPolicy = () => server().client.get(RefPolicy, { namespace, name: "org" });

  it("keeps the last valid version of a policy that does not compile any more", async () => {
    await server().client.create(RefPolicy, { metadata: { namespace, name: "org" }, spec: policy("^fix") });
    await eventually(async () => (await refPolicy()).status?.phase === "Active");
    const before = rulesOf(await configMap());
    await server().client.patch(RefPolicy, { namespace, name: "org" }, { spec: policy("(") }, { type: "merge" });
    const stale = await eventually(async () => {
      const object = await refPolicy();
      return object.status?.phase === "Stale" && object;
    });
    expect(rulesOf(await configMap())).toEqual(before);
    expect(findCondition(stale, "Compiled")).toMatchObject({ status: "False", reason: "InvalidPattern" });
    expect(findCondition(stale, "Stale")).toMatchObject({ status: "True", reason: "CompileFailed" });
    expect(stale.status?.problems?.[0]).toContain("RE2");
  });

  it("looks at the module of a hook: a policy whose module is another one does not compile", async () => {
    const bytes = Buffer.from(assembleHook({}));
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const hooks = { metadata: { namespace, name: "hooks" }, binaryData: { "x.wasm": bytes.toString("base64") } };
    await server().client.create(ConfigMap, hooks);
    const rule = (of: string) => ({
      organizationRef,
      rules: [
        { name: "x", type: "wasm" as const, wasm: { module: { objectRef: "configmap/hooks/x.wasm", digest: of } } },
      ],
    });
    const key = { namespace, name: "hooked" };
    await server().client.create(RefPolicy, { metadata: key, spec: rule(`sha256:${"0".repeat(64)}`) });
    const failed = await eventually(async () => {
      const object = await server().client.get(RefPolicy, key);
      return object.status?.phase === "Failed" && object;
    });
    expect(findCondition(failed, "Compiled")).toMatchObject({ status: "False", reason: "WasmDigestMismatch" });
    await server().client.patch(RefPolicy, key, { spec: rule(digest) }, { type: "merge" });
    await eventually(async () => (await server().client.get(RefPolicy, key)).status?.phase === "Active");
    expect(rulesOf(await configMap())).toContain("RefPolicy/hooked x");
  });

  it("is Distributed when who enforces has reported the bundle", async () => {
    const distributed = async () => findCondition(await refPolicy(), "Distributed")?.status;
    await eventually(async () => (await distributed()) === "Unknown");
    const hash = (await configMap())?.metadata?.annotations?.["krate.a5c.ai/refpolicy-hash"];
    await server()
      .as("git-gateway")
      .patch(
        ConfigMap,
        { namespace, name: bundleName },
        { metadata: { annotations: { "applied.krate.a5c.ai/gateway-0": hash } } },
        { type: "merge" },
      );
    await eventually(async () => (await distributed()) === "True");
  });

  it("counts refusals per rule", async () => {
    await server()
      .as("git-gateway")
      .create(GitEvent, {
        metadata: { namespace, name: "web-1-0" },
        spec: {
          organizationRef,
          repository: "web",
          ref: "refs/heads/main",
          oldSha: "0".repeat(40),
          newSha: "1".repeat(40),
          action: "create",
          decision: "Rejected",
          rules: [{ policy: "RefPolicy/org", rule: "message", decision: "Denied" }],
          actor: { user: "ada" },
          transport: "http",
          receivedAt: new Date().toISOString(),
        },
      });
    await eventually(async () => (await refPolicy()).status?.ruleStats?.[0]?.rejected24h === 1);
  });

  it("restores a ConfigMap somebody changed", async () => {
    const before = (await configMap())?.data?.["bundle.json"];
    await server().client.patch(
      ConfigMap,
      { namespace, name: bundleName },
      { data: { "bundle.json": "{}" } },
      { type: "merge" },
    );
    await eventually(async () => (await configMap())?.data?.["bundle.json"] === before);
  });
});
