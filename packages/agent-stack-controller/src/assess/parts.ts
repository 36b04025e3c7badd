/** Conditions of the kinds an AgentStack refers to, where objects alone decide. Pure. */
import { createHash } from "node:crypto";
import {
  type AgentConfigGrant,
  type AgentContextLabel,
  type AgentSecretGrant,
  type AgentSkill,
  type AgentSubagent,
  type AgentToolProfile,
  type AgentWorkspacePolicy,
  type ConditionInput,
  isFalse,
  isTrue,
  type ObjectOf,
} from "@krate/kinds";
import type { World } from "./world.ts";

export interface PartAssessment {
  phase: "Pending" | "Ready" | "Blocked" | "Error";
  conditions: ConditionInput[];
  status?: Record<string, unknown>;
}

/** `Ready` with the reason of the first condition that does not hold, as long as Ready may carry it. */
function conclude(
  conditions: ConditionInput[],
  failedPhase: "Blocked" | "Error",
  reasons: Record<string, string> = {},
): PartAssessment {
  const failed = conditions.find(({ status }) => status === "False");
  if (!failed) return { phase: "Ready", conditions: [...conditions, isTrue("Ready", "Ready")] };
  const reason = reasons[failed.reason] ?? failed.reason;
  return { phase: failedPhase, conditions: [...conditions, isFalse("Ready", reason, failed.message)] };
}

export function assessSecretGrant(grant: ObjectOf<typeof AgentSecretGrant>, world: World, now: Date): PartAssessment {
  const { spec, metadata } = grant;
  const { name, keys, namespace } = spec.secretRef;
  const present = world.secretKeys(name);
  const maxAgeDays = spec.rotationPolicy?.maxAgeDays;
  const createdAt = world.secretCreatedAt(name);
  const tooOld =
    maxAgeDays !== undefined &&
    createdAt !== undefined &&
    now.getTime() - Date.parse(createdAt) > maxAgeDays * 86_400_000;
  const exists =
    namespace !== undefined && namespace !== metadata.namespace
      ? isFalse(
          "SecretExists",
          "NamespaceDenied",
          `secretRef.namespace must be ${metadata.namespace}, the organization's`,
        )
      : !present
        ? isFalse("SecretExists", "SecretMissing", `Secret "${name}" does not exist: create it`)
        : tooOld
          ? isFalse("SecretExists", "TooOld", `Secret "${name}" is older than ${maxAgeDays} days: make it anew`)
          : isTrue("SecretExists", "Exists");
  return conclude(
    [
      exists,
      keysExist(keys, present, "SecretKeyMissing", `Secret "${name}"`),
      subjectExists(spec.subject, world),
      isTrue("PolicyAdmitted", "PolicyAdmitted"),
    ],
    "Blocked",
    { NamespaceDenied: "PolicyDenied", TooOld: "PolicyDenied" },
  );
}

export function assessConfigGrant(grant: ObjectOf<typeof AgentConfigGrant>, world: World): PartAssessment {
  const { spec, metadata } = grant;
  const { name, keys, namespace } = spec.configMapRef;
  const present = world.configMapKeys(name);
  const exists =
    namespace !== undefined && namespace !== metadata.namespace
      ? isFalse(
          "ConfigMapExists",
          "NamespaceDenied",
          `configMapRef.namespace must be ${metadata.namespace}, the organization's`,
        )
      : present
        ? isTrue("ConfigMapExists", "Exists")
        : isFalse("ConfigMapExists", "ConfigMapMissing", `ConfigMap "${name}" does not exist: create it`);
  return conclude(
    [
      exists,
      keysExist(keys, present, "ConfigKeyMissing", `ConfigMap "${name}"`),
      subjectExists(spec.subject, world),
      isTrue("PolicyAdmitted", "PolicyAdmitted"),
    ],
    "Blocked",
    { NamespaceDenied: "PolicyDenied" },
  );
}

function keysExist(
  keys: readonly string[],
  present: string[] | undefined,
  reason: string,
  subject: string,
): ConditionInput {
  const missing = keys.filter((key) => !present?.includes(key));
  return missing.length === 0
    ? isTrue("KeysExist", "AllKeysExist")
    : isFalse("KeysExist", reason, `${subject} has no key ${missing.join(", ")}`);
}

/** Users, groups and teams are the cluster's to know; objects of ours must exist. */
export function subjectExists(subject: { kind: string; name: string }, world: World): ConditionInput {
  const missing =
    (subject.kind === "agent-stack" && !world.stack(subject.name)) ||
    (subject.kind === "service-account" && !world.serviceAccount(subject.name)) ||
    (subject.kind === "runner-pool" && !world.runnerPool(subject.name));
  return missing
    ? isFalse("SubjectAuthorized", "SubjectMissing", `${subject.kind} "${subject.name}" does not exist`)
    : isTrue("SubjectAuthorized", "Authorized");
}

export function assessToolProfile({ spec }: ObjectOf<typeof AgentToolProfile>): PartAssessment {
  const unreachable = spec.networkPolicy?.default === "allowlist" && !spec.networkPolicy.allowHosts?.length;
  if (unreachable)
    return {
      phase: "Error",
      conditions: [isFalse("Ready", "PatternInvalid", "networkPolicy allowlist needs allowHosts")],
    };
  const both = (spec.allowedCommands ?? []).filter((command) => spec.deniedCommands?.includes(command));
  if (both.length > 0)
    return {
      phase: "Error",
      conditions: [isFalse("Ready", "PatternInvalid", `both allowed and denied: ${both.join(", ")}`)],
    };
  return conclude([], "Error");
}

export function assessSkill(skill: ObjectOf<typeof AgentSkill>): PartAssessment {
  const { spec } = skill;
  const wellFormed =
    spec.format === "inline" || spec.format === "package" || /^[a-z0-9][-a-z0-9.]*:[^\s]+$/.test(spec.sourceRef);
  const digest = digestOf(JSON.stringify([spec.format, spec.sourceRef, spec.version ?? "", spec.promptFragment ?? ""]));
  const validated = wellFormed
    ? isTrue("Validated", "Validated")
    : isFalse("Validated", "ContentInvalid", "sourceRef must be <repository>:<path> for formats file and directory");
  return { ...conclude([validated], "Error", { ContentInvalid: "NotValidated" }), status: { digest } };
}

export function assessSubagent({ spec }: ObjectOf<typeof AgentSubagent>, world: World): PartAssessment {
  const problem = (reason: string, message: string): PartAssessment => ({
    phase: "Error",
    conditions: [isFalse("Ready", reason, message)],
  });
  const skill = (spec.skillRefs ?? []).find((name) => !world.skill(name));
  if (skill) return problem("SkillMissing", `AgentSkill "${skill}" does not exist`);
  const server = (spec.mcpServerRefs ?? []).find((name) => !world.mcpServer(name));
  if (server) return problem("McpServerMissing", `AgentMcpServer "${server}" does not exist`);
  const identity = spec.runtimeIdentityOverride;
  if (identity && !world.serviceAccount(identity))
    return problem("ServiceAccountMissing", `AgentServiceAccount "${identity}" does not exist`);
  return conclude([], "Error");
}

/** Text that tries to command instead of inform: what reviewers of prompt injections look for first. */
const suspicious =
  /\b(ignore|disregard|forget)\b.{0,40}\b(previous|above|prior|system)\b|<\s*\/?\s*system\s*>|\bsudo\b|\bcurl\b[^\n]*\|\s*(ba)?sh/i;

export function assessContextLabel(label: ObjectOf<typeof AgentContextLabel>): PartAssessment {
  const { spec } = label;
  const digest = digestOf(spec.promptFragment);
  const reviewed = reviewOf(label, digest);
  const match = suspicious.exec(spec.promptFragment);
  const safe = match
    ? isFalse("PatternSafe", "SuspiciousPattern", `promptFragment contains "${match[0].slice(0, 80)}"`)
    : isTrue("PatternSafe", "Safe");
  // The digest is that of the text that was reviewed: a later text does not match it.
  const kept = reviewed.status === "True" ? digest : spec.reviewer ? label.status?.digest : undefined;
  return { ...conclude([reviewed, safe], "Blocked"), status: { digest: kept } };
}

/** A changed text loses its review: `spec.reviewer` has to be set anew (cleared and set, or another name). */
function reviewOf({ spec, status }: ObjectOf<typeof AgentContextLabel>, digest: string): ConditionInput {
  if (spec.requiresReview === false) return isTrue("Reviewed", "ReviewNotRequired");
  if (!spec.reviewer) return isFalse("Reviewed", "NotReviewed", "set spec.reviewer after reading promptFragment");
  const by = `by ${spec.reviewer}`;
  const before = status?.conditions?.find(({ type }) => type === "Reviewed");
  const changed = status?.digest !== undefined && status.digest !== digest;
  return changed && before?.message.startsWith(by)
    ? isFalse(
        "Reviewed",
        "NotReviewed",
        `${by}, but promptFragment changed since: review it and set spec.reviewer anew`,
      )
    : isTrue("Reviewed", "Reviewed", by);
}

export function assessWorkspacePolicy({ spec }: ObjectOf<typeof AgentWorkspacePolicy>): PartAssessment {
  const bad = spec.root !== undefined && (!spec.root.startsWith("/") || spec.root.split("/").includes(".."));
  if (bad)
    return {
      phase: "Error",
      conditions: [isFalse("Ready", "ConfigurationInvalid", "root must be an absolute path without ..")],
    };
  return conclude([], "Error");
}

function digestOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}
