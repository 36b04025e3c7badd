import { describe, expect, it } from "@jest/globals";
import { AgentStack } from "@krate/kinds";
import { assess } from "./stack.ts";
import type { PlatformPolicy, Stack, World } from "./world.ts";

const policy: PlatformPolicy = {
  adapters: ["acp"],
  allowedApprovalModes: ["prompt", "deny", "policy"],
  allowForkSecrets: false,
  maxParallelSubagents: 4,
};

/** A referenced object that is Ready (by default), with this spec. */
const part = (spec: object = {}, ready: "True" | "False" | "Unjudged" = "True", reason = "Because") => ({
  metadata: { generation: 1 },
  spec,
  status: {
    conditions: [
      { type: "Ready", status: ready, reason, message: "", observedGeneration: ready === "Unjudged" ? 0 : 1 },
    ],
  },
});
type Parts = Partial<Record<keyof World, Record<string, unknown>>>;

const base: Parts = {
  serviceAccount: { bot: part() },
  toolProfile: { tools: part({ filesystemPolicy: "repo-write", nativeTools: ["read", "write"] }) },
};

function world(parts: Parts, more: Partial<PlatformPolicy> = {}): World {
  const lookup = (kind: keyof World) => (name: string) => ({ ...base, ...parts })[kind]?.[name];
  const kinds = [
    "stack",
    "serviceAccount",
    "roleBinding",
    "secretGrant",
    "configGrant",
    "toolProfile",
    "mcpServer",
    "skill",
    "subagent",
    "contextLabel",
    "workspacePolicy",
    "runnerPool",
    "secretKeys",
    "configMapKeys",
    "secretCreatedAt",
  ] as const;
  const found = Object.fromEntries(kinds.map((kind) => [kind, lookup(kind)]));
  return { ...found, policy: { ...policy, ...more } } as unknown as World;
}

const stack = (spec: Partial<Stack["spec"]> = {}): Stack => ({
  apiVersion: "krate.a5c.ai/v1alpha1",
  kind: "AgentStack",
  metadata: { name: "fixer", namespace: "acme", generation: 1 },
  spec: {
    organizationRef: "acme",
    baseAgent: "claude-code",
    adapter: "acp",
    runtimeIdentity: { serviceAccountRef: "bot" },
    ...spec,
  },
});

const subject = { kind: "agent-stack", name: "fixer" };
const secretGrant = (name: string, ready: "True" | "False" = "True", reason?: string) =>
  part({ subject, secretRef: { name, keys: ["k"] } }, ready, reason);

describe("assess", () => {
  it("judges all twelve conditions, with declared reasons only", () => {
    const { phase, conditions } = assess(stack(), world({}));
    expect(phase).toBe("Ready");
    expect(conditions.map(({ type }) => type)).toEqual(Object.keys(AgentStack.conditions ?? {}));
    for (const { type, reason } of conditions) expect(AgentStack.conditions?.[type]?.reasons).toContain(reason);
  });

  it.each<[string, string, string, Partial<Stack["spec"]>, Parts, string]>([
    ["CapabilitiesResolved", "False", "AdapterUnavailable", { adapter: "mux" }, {}, "the adapter is not installed"],
    [
      "RuntimeIdentityReady",
      "False",
      "ServiceAccountMissing",
      { runtimeIdentity: { serviceAccountRef: "x" } },
      {},
      "no identity",
    ],
    [
      "RuntimeIdentityReady",
      "False",
      "ServiceAccountNotReady",
      {},
      { serviceAccount: { bot: part({}, "False") } },
      "not ready",
    ],
    [
      "RuntimeIdentityReady",
      "Unknown",
      "ServiceAccountNotReady",
      {},
      { serviceAccount: { bot: part({}, "Unjudged") } },
      "an older generation is judged",
    ],
    ["RuntimeIdentityReady", "False", "ServiceAccountCannotUseRunner", { runnerPool: "gone" }, {}, "no such pool"],
    [
      "RuntimeIdentityReady",
      "False",
      "ServiceAccountCannotUseRunner",
      { runnerPool: "big" },
      { runnerPool: { big: part() }, serviceAccount: { bot: part({ allowedRunnerPools: ["small"] }) } },
      "another pool than allowed",
    ],
    [
      "RolesAdmitted",
      "False",
      "RoleBindingMissing",
      { permissionRefs: { roleBindings: ["r"] } },
      {},
      "no such binding",
    ],
    [
      "RolesAdmitted",
      "False",
      "RoleBindingMissing",
      { toolProfileRef: "tools" },
      { toolProfile: { tools: part({ filesystemPolicy: "no-fs", requiredRoles: ["reader"] }) } },
      "the profile needs a role nobody bound",
    ],
    [
      "RolesAdmitted",
      "True",
      "RequiredRolesAllowed",
      { toolProfileRef: "tools", permissionRefs: { roleBindings: ["r"] } },
      {
        toolProfile: { tools: part({ filesystemPolicy: "no-fs", requiredRoles: ["reader"] }) },
        roleBinding: { r: part({ roleRef: { name: "reader" } }) },
      },
      "now it is bound",
    ],
    [
      "SecretsAdmitted",
      "False",
      "MissingSecretGrant",
      { permissionRefs: { secretGrants: ["g"] } },
      {},
      "no such grant",
    ],
    [
      "SecretsAdmitted",
      "False",
      "MissingSecretGrant",
      { skillRefs: ["s"] },
      { skill: { s: part({ requiredSecretRefs: ["token"] }) } },
      "a skill needs a secret and grants none",
    ],
    [
      "SecretsAdmitted",
      "True",
      "RequiredSecretsGranted",
      { skillRefs: ["s"], permissionRefs: { secretGrants: ["g"] } },
      { skill: { s: part({ requiredSecretRefs: ["token"] }) }, secretGrant: { g: secretGrant("token") } },
      "granted",
    ],
    [
      "SecretsAdmitted",
      "False",
      "MissingSecretGrant",
      { permissionRefs: { secretGrants: ["g"] } },
      { secretGrant: { g: part({ subject: { kind: "agent-stack", name: "other" }, secretRef: { name: "token" } }) } },
      "granted to somebody else",
    ],
    [
      "SecretsAdmitted",
      "False",
      "SecretKeyMissing",
      { permissionRefs: { secretGrants: ["g"] } },
      { secretGrant: { g: secretGrant("token", "False", "SecretKeyMissing") } },
      "the key is missing",
    ],
    [
      "SecretsAdmitted",
      "False",
      "MissingSecretGrant",
      { mcpServerRefs: ["m"], permissionRefs: { secretGrants: ["g"] }, secretPolicy: { allowedSecretRefs: ["other"] } },
      { mcpServer: { m: part({ secretRefs: ["token"] }) }, secretGrant: { g: secretGrant("token") } },
      "granted, but the stack's own policy forbids it",
    ],
    [
      "ConfigAdmitted",
      "False",
      "MissingConfigGrant",
      { mcpServerRefs: ["m"] },
      { mcpServer: { m: part({ envFrom: [{ configMapRef: "settings" }] }) } },
      "a server needs a ConfigMap",
    ],
    ["ToolsAdmitted", "True", "NotConfigured", {}, {}, "no tools asked for"],
    ["ToolsAdmitted", "False", "ToolProfileMissing", { toolProfileRef: "x" }, {}, "no such profile"],
    [
      "ToolsAdmitted",
      "False",
      "ForbiddenFilesystemScope",
      { toolProfileRef: "tools", workspacePolicyRef: "w" },
      { workspacePolicy: { w: part({ mode: "read-only" }) } },
      "writes in a read-only workspace",
    ],
    ["McpHealthy", "False", "ServerMissing", { mcpServerRefs: ["m"] }, {}, "no such server"],
    [
      "McpHealthy",
      "False",
      "ProbeFailed",
      { mcpServerRefs: ["m"] },
      { mcpServer: { m: part({}, "False") } },
      "it does not answer",
    ],
    [
      "McpHealthy",
      "Unknown",
      "ProbeFailed",
      { mcpServerRefs: ["m"] },
      { mcpServer: { m: part({}, "Unjudged") } },
      "not asked yet",
    ],
    [
      "McpHealthy",
      "False",
      "ServerMissing",
      { mcpServerRefs: ["m"] },
      { mcpServer: { m: part({ allowedAgentStacks: ["other"] }) } },
      "not for this stack",
    ],
    ["SkillsValidated", "False", "SkillMissing", { skillRefs: ["s"] }, {}, "no such skill"],
    [
      "SkillsValidated",
      "False",
      "SkillInvalid",
      { skillRefs: ["s"] },
      { skill: { s: part({ compatibleAgents: ["codex"] }) } },
      "for another program",
    ],
    [
      "SkillsValidated",
      "False",
      "SkillInvalid",
      { skillRefs: ["s"], toolProfileRef: "tools" },
      { skill: { s: part({ requiredTools: ["browser"] }) } },
      "needs a tool the profile has not",
    ],
    ["SubagentsValid", "False", "SubagentMissing", { subagentRefs: ["a"] }, {}, "no such subagent"],
    [
      "SubagentsValid",
      "False",
      "ToolsExceedParent",
      { subagentRefs: ["a"], toolProfileRef: "tools" },
      { subagent: { a: part({ toolRefs: ["browser"] }) } },
      "permissions may only shrink",
    ],
    [
      "SubagentsValid",
      "False",
      "ParallelismTooHigh",
      { subagentRefs: ["a"] },
      { subagent: { a: part({ maxParallelTasks: 5 }) } },
      "more at once than the platform allows",
    ],
    ["ContextLabelsValid", "False", "LabelDeleted", { contextLabelRefs: ["l"] }, {}, "the label was deleted"],
    [
      "ContextLabelsValid",
      "False",
      "LabelNotReviewed",
      { contextLabelRefs: ["l"] },
      { contextLabel: { l: part({}, "False") } },
      "nobody reviewed it",
    ],
    [
      "PolicyAdmitted",
      "False",
      "ForbiddenApprovalMode",
      { approvalMode: "yolo" },
      {},
      "yolo needs a platform that allows it",
    ],
    [
      "PolicyAdmitted",
      "False",
      "PermissionRequirementsBlocked",
      { secretPolicy: { allowOnForks: true } },
      {},
      "secrets on forks",
    ],
    [
      "PolicyAdmitted",
      "False",
      "PermissionRequirementsBlocked",
      { workspacePolicyRef: "gone" },
      {},
      "no such workspace policy",
    ],
  ])("%s is %s/%s for %j", (type, status, reason, spec, parts, _why) => {
    const { phase, conditions } = assess(stack(spec), world(parts));
    const condition = conditions.find((entry) => entry.type === type);
    expect(condition).toMatchObject({ status, reason });
    expect(AgentStack.conditions?.[type]?.reasons).toContain(reason);
    if (status !== "True") {
      expect(condition?.message).not.toBe(""); // every reason is actionable
      expect(phase).not.toBe("Ready"); // Unknown blocks as well
    }
  });

  it.each([
    [{ approvalMode: "yolo" as const }, {}, "Blocked", "a permission is missing"],
    [{ mcpServerRefs: ["gone"] }, {}, "Error", "the configuration cannot work"],
    [
      { approvalMode: "yolo" as const, mcpServerRefs: ["gone"] },
      {},
      "Error",
      "a mistake weighs more than a missing permission",
    ],
    [{}, { serviceAccount: { bot: part({}, "Unjudged") } }, "Pending", "not judged yet"],
  ])("%j with %j has phase %s: %s", (spec, parts, phase, _reason) => {
    expect(assess(stack(spec), world(parts)).phase).toBe(phase);
  });
});
