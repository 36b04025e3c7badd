/**
 * The twelve conditions of an AgentStack (kinds.md §11.1, AGT-02), one function each. Pure. Every False says which object is
 * in the way and what to do; Unknown means that an object has not been judged yet, and blocks like False.
 */
import { type ConditionInput, isFalse, isTrue, isUnknown } from "@krate/kinds";
import { requiredConfig, requiredSecrets } from "./requirements.ts";
import { readinessOf, type Stack, type World } from "./world.ts";

export interface Assessment {
  phase: "Pending" | "Ready" | "Blocked" | "Error";
  conditions: ConditionInput[];
}

type Judge = (stack: Stack, world: World) => ConditionInput;

/** A False here is somebody else's to grant; a False elsewhere is a mistake in the configuration. */
const permissionConditions = new Set([
  "RuntimeIdentityReady",
  "RolesAdmitted",
  "SecretsAdmitted",
  "ConfigAdmitted",
  "PolicyAdmitted",
]);

export function assess(stack: Stack, world: World): Assessment {
  const conditions = judges.map((judge) => judge(stack, world));
  const failed = conditions.filter(({ status }) => status === "False");
  const unknown = conditions.filter(({ status }) => status === "Unknown");
  const names = (list: ConditionInput[]) => list.map(({ type }) => type).join(", ");
  if (failed.length > 0) {
    const invalid = failed.filter(({ type }) => !permissionConditions.has(type));
    return invalid.length > 0
      ? {
          phase: "Error",
          conditions: [...conditions, isFalse("Ready", "ConfigurationInvalid", `see ${names(failed)}`)],
        }
      : {
          phase: "Blocked",
          conditions: [...conditions, isFalse("Ready", "PermissionRequirementsBlocked", `see ${names(failed)}`)],
        };
  }
  if (unknown.length > 0)
    return {
      phase: "Pending",
      conditions: [...conditions, isUnknown("Ready", "Pending", `waiting for ${names(unknown)}`)],
    };
  return { phase: "Ready", conditions: [...conditions, isTrue("Ready", "Ready")] };
}

const capabilities: Judge = ({ spec }, { policy }) =>
  policy.adapters.includes(spec.adapter)
    ? isTrue("CapabilitiesResolved", "AdapterManifestLoaded")
    : isFalse(
        "CapabilitiesResolved",
        "AdapterUnavailable",
        `adapter "${spec.adapter}" is not installed; there are ${policy.adapters.join(", ")}`,
      );

const runtimeIdentity: Judge = ({ spec }, world) => {
  const type = "RuntimeIdentityReady";
  const name = spec.runtimeIdentity.serviceAccountRef;
  const account = world.serviceAccount(name);
  if (!account)
    return isFalse(type, "ServiceAccountMissing", `AgentServiceAccount "${name}" does not exist: create it`);
  const ready = readinessOf(account);
  if (ready.status !== "True") return notTrue(type, "ServiceAccountNotReady", `AgentServiceAccount "${name}"`, ready);
  const pool = spec.runnerPool;
  if (pool !== undefined && !world.runnerPool(pool))
    return isFalse(type, "ServiceAccountCannotUseRunner", `RunnerPool "${pool}" does not exist`);
  const allowed = account.spec.allowedRunnerPools;
  if (allowed !== undefined && (pool === undefined || !allowed.includes(pool)))
    return isFalse(
      type,
      "ServiceAccountCannotUseRunner",
      `AgentServiceAccount "${name}" may run in ${allowed.join(", ") || "no pool"}: set spec.runnerPool to one of them`,
    );
  return isTrue(type, "ServiceAccountReady");
};

const roles: Judge = ({ spec }, world) => {
  const type = "RolesAdmitted";
  const bound = new Set<string>();
  for (const name of spec.permissionRefs?.roleBindings ?? []) {
    const binding = world.roleBinding(name);
    if (!binding) return isFalse(type, "RoleBindingMissing", `AgentRoleBinding "${name}" does not exist: create it`);
    const ready = readinessOf(binding);
    const drifted = binding.status?.conditions?.some(({ reason }) => reason === "NativeBindingDrifted");
    if (ready.status !== "True")
      return notTrue(type, drifted ? "RoleBindingDrifted" : "RoleBindingMissing", `AgentRoleBinding "${name}"`, ready);
    bound.add(binding.spec.roleRef.name);
  }
  const profile = spec.toolProfileRef ? world.toolProfile(spec.toolProfileRef) : undefined;
  const missing = (profile?.spec.requiredRoles ?? []).filter((role) => !bound.has(role));
  if (missing.length > 0)
    return isFalse(
      type,
      "RoleBindingMissing",
      `role ${missing.join(", ")} is required by AgentToolProfile "${spec.toolProfileRef}": bind it by an AgentRoleBinding and list that in permissionRefs.roleBindings`,
    );
  return isTrue(type, "RequiredRolesAllowed");
};

const secrets: Judge = (stack, world) => {
  const type = "SecretsAdmitted";
  const { spec } = stack;
  const granted = new Set<string>();
  for (const name of spec.permissionRefs?.secretGrants ?? []) {
    const grant = world.secretGrant(name);
    if (!grant) return isFalse(type, "MissingSecretGrant", `AgentSecretGrant "${name}" does not exist: create it`);
    if (!isFor(grant.spec.subject, stack))
      return isFalse(
        type,
        "MissingSecretGrant",
        `AgentSecretGrant "${name}" is for ${grant.spec.subject.kind} "${grant.spec.subject.name}"`,
      );
    const ready = readinessOf(grant);
    const reason = ready.reason === "SecretKeyMissing" ? "SecretKeyMissing" : "MissingSecretGrant";
    if (ready.status !== "True") return notTrue(type, reason, `AgentSecretGrant "${name}"`, ready);
    granted.add(grant.spec.secretRef.name);
  }
  const allowed = spec.secretPolicy?.allowedSecretRefs;
  for (const { name, by } of requiredSecrets(stack, world)) {
    if (!granted.has(name))
      return isFalse(
        type,
        "MissingSecretGrant",
        `Secret "${name}" is required by ${by}: grant it by an AgentSecretGrant and list that in permissionRefs.secretGrants`,
      );
    if (allowed !== undefined && !allowed.includes(name))
      return isFalse(
        type,
        "MissingSecretGrant",
        `Secret "${name}" is required by ${by} but not in secretPolicy.allowedSecretRefs`,
      );
  }
  return isTrue(type, "RequiredSecretsGranted");
};

const config: Judge = (stack, world) => {
  const type = "ConfigAdmitted";
  const granted = new Set<string>();
  for (const name of stack.spec.permissionRefs?.configGrants ?? []) {
    const grant = world.configGrant(name);
    if (!grant) return isFalse(type, "MissingConfigGrant", `AgentConfigGrant "${name}" does not exist: create it`);
    if (!isFor(grant.spec.subject, stack))
      return isFalse(
        type,
        "MissingConfigGrant",
        `AgentConfigGrant "${name}" is for ${grant.spec.subject.kind} "${grant.spec.subject.name}"`,
      );
    const ready = readinessOf(grant);
    const reason = ready.reason === "ConfigKeyMissing" ? "ConfigKeyMissing" : "MissingConfigGrant";
    if (ready.status !== "True") return notTrue(type, reason, `AgentConfigGrant "${name}"`, ready);
    granted.add(grant.spec.configMapRef.name);
  }
  const missing = requiredConfig(stack, world).find(({ name }) => !granted.has(name));
  if (missing)
    return isFalse(
      type,
      "MissingConfigGrant",
      `ConfigMap "${missing.name}" is required by ${missing.by}: grant it by an AgentConfigGrant and list that in permissionRefs.configGrants`,
    );
  return isTrue(type, "RequiredConfigGranted");
};

const tools: Judge = ({ spec }, world) => {
  const type = "ToolsAdmitted";
  const name = spec.toolProfileRef;
  if (name === undefined) return isTrue(type, "NotConfigured");
  const profile = world.toolProfile(name);
  if (!profile) return isFalse(type, "ToolProfileMissing", `AgentToolProfile "${name}" does not exist: create it`);
  const ready = readinessOf(profile);
  if (ready.status !== "True") return notTrue(type, "ToolProfileMissing", `AgentToolProfile "${name}"`, ready);
  const workspace = spec.workspacePolicyRef ? world.workspacePolicy(spec.workspacePolicyRef) : undefined;
  const writes = profile.spec.filesystemPolicy === "repo-write" || profile.spec.filesystemPolicy === "workspace-write";
  if (writes && workspace && (workspace.spec.mode === "read-only" || workspace.spec.mode === "none"))
    return isFalse(
      type,
      "ForbiddenFilesystemScope",
      `AgentToolProfile "${name}" may ${profile.spec.filesystemPolicy}, but AgentWorkspacePolicy "${spec.workspacePolicyRef}" is ${workspace.spec.mode}`,
    );
  return isTrue(type, "ToolProfileReady");
};

const mcp: Judge = ({ spec, metadata }, world) => {
  const type = "McpHealthy";
  const names = spec.mcpServerRefs ?? [];
  if (names.length === 0) return isTrue(type, "NotConfigured");
  for (const name of names) {
    const server = world.mcpServer(name);
    if (!server) return isFalse(type, "ServerMissing", `AgentMcpServer "${name}" does not exist: create it`);
    if (!allows(server.spec.allowedAgentStacks, metadata.name))
      return isFalse(type, "ServerMissing", `AgentMcpServer "${name}" does not list this stack in allowedAgentStacks`);
    const ready = readinessOf(server);
    if (ready.status !== "True") return notTrue(type, "ProbeFailed", `AgentMcpServer "${name}"`, ready);
  }
  return isTrue(type, "AllRequiredServersReady");
};

const skills: Judge = ({ spec, metadata }, world) => {
  const type = "SkillsValidated";
  const names = spec.skillRefs ?? [];
  if (names.length === 0) return isTrue(type, "NotConfigured");
  const profile = spec.toolProfileRef ? world.toolProfile(spec.toolProfileRef) : undefined;
  for (const name of names) {
    const skill = world.skill(name);
    if (!skill) return isFalse(type, "SkillMissing", `AgentSkill "${name}" does not exist: create it`);
    const ready = readinessOf(skill);
    if (ready.status !== "True") return notTrue(type, "SkillInvalid", `AgentSkill "${name}"`, ready);
    const invalid = (why: string) => isFalse(type, "SkillInvalid", `AgentSkill "${name}" ${why}`);
    if (!allows(skill.spec.allowedAgentStacks, metadata.name))
      return invalid("does not list this stack in allowedAgentStacks");
    if (!allows(skill.spec.compatibleAgents, spec.baseAgent)) return invalid(`does not work with ${spec.baseAgent}`);
    const tool = missingFrom(skill.spec.requiredTools, profile?.spec.nativeTools);
    if (tool) return invalid(`needs tool ${tool}, which the tool profile does not have`);
    const server = missingFrom(skill.spec.requiredMcpServers, spec.mcpServerRefs);
    if (server) return invalid(`needs AgentMcpServer "${server}": add it to mcpServerRefs`);
  }
  return isTrue(type, "AllSkillsValid");
};

const subagents: Judge = ({ spec }, world) => {
  const type = "SubagentsValid";
  const names = spec.subagentRefs ?? [];
  if (names.length === 0) return isTrue(type, "NotConfigured");
  const profile = spec.toolProfileRef ? world.toolProfile(spec.toolProfileRef) : undefined;
  const limit = world.policy.maxParallelSubagents;
  for (const name of names) {
    const subagent = world.subagent(name);
    if (!subagent) return isFalse(type, "SubagentMissing", `AgentSubagent "${name}" does not exist: create it`);
    const ready = readinessOf(subagent);
    if (ready.status !== "True") return notTrue(type, "SubagentMissing", `AgentSubagent "${name}"`, ready);
    const tool = missingFrom(subagent.spec.toolRefs, profile?.spec.nativeTools);
    if (tool)
      return isFalse(type, "ToolsExceedParent", `AgentSubagent "${name}" has tool ${tool}, which this stack has not`);
    const server = missingFrom(subagent.spec.mcpServerRefs, spec.mcpServerRefs);
    if (server)
      return isFalse(
        type,
        "ToolsExceedParent",
        `AgentSubagent "${name}" has AgentMcpServer "${server}", which this stack has not`,
      );
    const tasks = subagent.spec.maxParallelTasks ?? 1;
    if (tasks > limit)
      return isFalse(
        type,
        "ParallelismTooHigh",
        `AgentSubagent "${name}" may run ${tasks} tasks at once; at most ${limit} are allowed`,
      );
  }
  return isTrue(type, "AllSubagentsValid");
};

const contextLabels: Judge = ({ spec, metadata }, world) => {
  const type = "ContextLabelsValid";
  const names = spec.contextLabelRefs ?? [];
  if (names.length === 0) return isTrue(type, "NotConfigured");
  for (const name of names) {
    const label = world.contextLabel(name);
    if (!label)
      return isFalse(type, "LabelDeleted", `AgentContextLabel "${name}" does not exist: take it out or create it`);
    const ready = readinessOf(label);
    if (ready.status !== "True") return notTrue(type, "LabelNotReviewed", `AgentContextLabel "${name}"`, ready);
    if (!allows(label.spec.allowedStacks, metadata.name))
      return isFalse(type, "LabelNotReviewed", `AgentContextLabel "${name}" does not list this stack in allowedStacks`);
  }
  return isTrue(type, "AllLabelsValid");
};

const policy: Judge = ({ spec }, world) => {
  const type = "PolicyAdmitted";
  const mode = spec.approvalMode ?? "prompt";
  if (!world.policy.allowedApprovalModes.includes(mode))
    return isFalse(
      type,
      "ForbiddenApprovalMode",
      `approvalMode ${mode} is not allowed here; allowed are ${world.policy.allowedApprovalModes.join(", ")}`,
    );
  if (spec.secretPolicy?.allowOnForks && !world.policy.allowForkSecrets)
    return isFalse(
      type,
      "PermissionRequirementsBlocked",
      "secretPolicy.allowOnForks is not allowed here: set it to false",
    );
  if (spec.workspacePolicyRef !== undefined) {
    const workspace = world.workspacePolicy(spec.workspacePolicyRef);
    const subject = `AgentWorkspacePolicy "${spec.workspacePolicyRef}"`;
    if (!workspace) return isFalse(type, "PermissionRequirementsBlocked", `${subject} does not exist: create it`);
    const ready = readinessOf(workspace);
    if (ready.status !== "True") return notTrue(type, "PermissionRequirementsBlocked", subject, ready);
  }
  return isTrue(type, "PolicyAdmitted");
};

const judges: Judge[] = [
  capabilities,
  runtimeIdentity,
  roles,
  secrets,
  config,
  tools,
  mcp,
  skills,
  subagents,
  contextLabels,
  policy,
];

function notTrue(type: string, reason: string, subject: string, ready: ReturnType<typeof readinessOf>): ConditionInput {
  const message = `${subject}: ${ready.message || ready.reason}`;
  return ready.status === "Unknown" ? isUnknown(type, reason, message) : isFalse(type, reason, message);
}

/** An absent list allows everybody. */
function allows(list: readonly string[] | undefined, name: string | undefined): boolean {
  return list === undefined || list.includes(name ?? "");
}

function missingFrom(wanted: readonly string[] | undefined, have: readonly string[] | undefined): string | undefined {
  return (wanted ?? []).find((name) => !(have ?? []).includes(name));
}

interface Subject {
  kind: string;
  name: string;
  stackRef?: string;
  serviceAccountRef?: string;
}

/** A grant is the stack's when it names the stack or the identity it runs as; further references narrow it. */
function isFor({ kind, name, stackRef, serviceAccountRef }: Subject, { metadata, spec }: Stack): boolean {
  const identity = spec.runtimeIdentity.serviceAccountRef;
  if (stackRef !== undefined && stackRef !== metadata.name) return false;
  if (serviceAccountRef !== undefined && serviceAccountRef !== identity) return false;
  if (kind === "agent-stack") return name === metadata.name;
  if (kind === "service-account") return name === identity;
  if (kind === "runner-pool") return name === spec.runnerPool;
  return false;
}
