/**
 * A write as an AuditEvent, the activity people read: who, what, what came of it, and the command that does the same. Built after the request
 * was answered, from what is left of it.
 */
import { equalJson, isObject, type JsonObject, type JsonValue } from "@krate/apimachinery";
import { ApiError, configGroup, labels, platformNamespace, recordGroup, version } from "@krate/kinds";
import { newId, redact, redactText } from "@krate/telemetry";
import { decodeBody } from "../body.ts";
import type { RequestContext, UserInfo } from "../context.ts";
import { labelsOf, metadataOf, sectionOf, textOf, timestamp } from "../objects.ts";
import type { ResourceRequest } from "../request-info.ts";
import { kubectlCommand } from "./command.ts";
import { sourceAddresses } from "./source.ts";

/** What a request leaves behind until its AuditEvent is written. */
export interface AuditFacts {
  readonly at: Date;
  readonly requestId: string;
  readonly target: ResourceRequest;
  readonly kind: string;
  readonly storage: "etcd" | "postgres";
  readonly user: UserInfo;
  readonly name: string;
  readonly params: URLSearchParams;
  readonly contentType: string;
  readonly body: Buffer | undefined;
  readonly old: JsonObject | undefined;
  readonly object: JsonObject | undefined;
  readonly error: unknown;
  readonly warnings: readonly string[];
  readonly annotations: Readonly<Record<string, string>> | undefined;
  readonly source: { ip: string; userAgent: string | undefined };
}

/** Kinds that are themselves logs or queues: what goes into them is recorded where it comes from. */
const ownLogs = new Set(["auditevents", "gitevents", "webhookdeliveries"]);
const platformAccount = new RegExp(`^system:serviceaccount:(?:${platformNamespace}|kube-system):`);
const reads = new Set(["get", "list", "watch"]);
/** Refused before anybody looked at what was asked. */
const unheard = new Set(["Unauthorized", "TooManyRequests"]);

/**
 * Writes that make a record: on Krate's kinds in a namespace, by people, agents and other accounts. Not what Krate's own programs do (the
 * audit log has it): each change of a person makes several of theirs.
 */
export function isRecorded(ctx: RequestContext, error: unknown): boolean {
  const { info, user } = ctx;
  if (!info.isResource || reads.has(info.verb) || info.namespace === "" || ctx.resource === undefined) return false;
  if (info.group !== recordGroup && info.group !== configGroup) return false;
  if (ownLogs.has(info.resource) || ctx.options?.dryRun === true || ctx.params.has("dryRun")) return false;
  if (user.name === "system:anonymous" || platformAccount.test(user.name)) return false;
  return !(error instanceof ApiError && unheard.has(error.reason));
}

export function factsOf(ctx: RequestContext, error: unknown, at: Date): AuditFacts {
  const { exchange, target, served } = ctx;
  return {
    at,
    requestId: ctx.requestId,
    target,
    kind: served.kind,
    storage: target.group === recordGroup ? "postgres" : "etcd",
    user: ctx.user,
    name: target.name !== "" ? target.name : (ctx.key?.name ?? ""),
    params: ctx.params,
    contentType: exchange.header("content-type")?.split(";")[0]?.trim() ?? "application/json",
    body: ctx.body,
    old: ctx.old,
    object: ctx.object,
    error,
    warnings: ctx.warnings,
    annotations: ctx.auditAnnotations,
    source: { ip: sourceAddresses(exchange)[0] ?? "", userAgent: exchange.header("user-agent") },
  };
}

/** Bytes a fact keeps alive, roughly. */
export function sizeOf({ body, old, object }: AuditFacts): number {
  const objects = (old === undefined ? 0 : 1) + (object === undefined ? 0 : 1);
  return 1024 + (body?.length ?? 0) + objects * 4096;
}

const maxTextBytes = 65_536;
const max = {
  user: 1024,
  groups: 256,
  reason: 4096,
  warning: 1024,
  list: 50,
  policy: 320,
  ip: 64,
  agent: 1024,
  id: 253,
};

/** @param organization of the namespace. The object is complete but for its uid. */
export function auditRecord(facts: AuditFacts, organization: string, uid: string): JsonObject {
  const { target, user, at } = facts;
  const { command, patch } = textsOf(facts);
  const reason = facts.error instanceof Error ? redactText(facts.error.message).slice(0, max.reason) : undefined;
  const policies = policiesIn(facts.annotations);
  const targetUid = textOf(metadataOf(facts.object ?? facts.old ?? {})["uid"]);
  const spec: JsonObject = {
    organizationRef: organization,
    actor: {
      kind: actorKind(user),
      name: displayName(user.name),
      kubernetesUser: user.name.slice(0, max.user),
      groups: user.groups.slice(0, max.groups).map((group) => group.slice(0, max.user)),
    },
    verb: target.verb,
    target: {
      group: target.group,
      kind: facts.kind,
      name: facts.name.slice(0, max.id),
      ...(targetUid !== "" && { uid: targetUid.slice(0, 128) }),
      ...(target.subresource !== "" && { subresource: target.subresource.slice(0, 63) }),
    },
    storage: facts.storage,
    decision: {
      allowed: facts.error === undefined,
      ...(reason !== undefined && { reason }),
      ...(facts.warnings.length > 0 && {
        warnings: facts.warnings.slice(0, max.list).map((text) => redactText(text).slice(0, max.warning)),
      }),
      ...(policies.length > 0 && { policies }),
    },
    ...(fits(command) && { command }),
    ...(fits(patch) && { patch }),
    correlationId: facts.requestId.slice(0, max.id),
    at: timestamp(at),
    source: {
      ip: facts.source.ip.slice(0, max.ip),
      ...(facts.source.userAgent !== undefined && { userAgent: facts.source.userAgent.slice(0, max.agent) }),
    },
  };
  return {
    apiVersion: `${recordGroup}/${version}`,
    kind: "AuditEvent",
    metadata: {
      name: nameOf(at),
      namespace: target.namespace,
      uid,
      creationTimestamp: timestamp(at),
      generation: 1,
      labels: labelsFor(facts, organization),
    },
    spec,
    status: { storage: "postgres" },
  };
}

const fits = (text: string | undefined): text is string =>
  text !== undefined && Buffer.byteLength(text) <= maxTextBytes;

/** In order of time; not of the request's id, which the client may choose. */
function nameOf(at: Date): string {
  return `${at.getTime().toString(36).padStart(9, "0")}-${newId()}`;
}

/** What belongs to the target belongs to its history: `-l krate.a5c.ai/repository=web`. */
const inherited = [labels.repository, labels.pullRequest, labels.pipeline] as const;

function labelsFor({ object, old, target, name }: AuditFacts, organization: string): JsonObject {
  const given = labelsOf(object ?? old ?? {});
  const found = inherited.flatMap((label) => (typeof given[label] === "string" ? [[label, given[label]]] : []));
  const own = target.resource === "repositories" && name.length <= 63 ? { [labels.repository]: name } : {};
  return { ...Object.fromEntries(found), ...own, [labels.org]: organization };
}

function actorKind({ name, groups }: UserInfo): "User" | "ServiceAccount" | "Agent" {
  if (groups.includes("krate:agents")) return "Agent";
  return name.startsWith("system:serviceaccount:") ? "ServiceAccount" : "User";
}

function displayName(user: string): string {
  return (user.startsWith("system:serviceaccount:") ? (user.split(":").at(-1) as string) : user).slice(0, max.user);
}

/** Annotations of policies are named `<policy>/<key>`; those of Kubernetes itself are not policies. */
function policiesIn(annotations: AuditFacts["annotations"]): string[] {
  const names = Object.keys(annotations ?? {})
    .map((key) => key.split("/")[0] as string)
    .filter((name) => !name.endsWith(".k8s.io"));
  return [...new Set(names)].slice(0, max.list).map((name) => name.slice(0, max.policy));
}

function textsOf(facts: AuditFacts): { command: string | undefined; patch: string | undefined } {
  const { target, name, params, contentType } = facts;
  const body = bodyOf(facts);
  const redacted = redact(body) as JsonObject | undefined;
  const command =
    facts.body !== undefined && facts.body.length > 0 && body === undefined
      ? undefined
      : redactText(kubectlCommand({ target, name, params, contentType, body: redacted }));
  const { old, object } = facts;
  if (old === undefined || object === undefined || facts.error !== undefined) return { command, patch: undefined };
  const difference = mergePatchOf(contentOf(old), contentOf(object));
  return { command, patch: redactText(JSON.stringify(redact(difference))) };
}

/** What was sent, as an object; undefined when it was nothing, too long or not readable. */
function bodyOf({ body, contentType }: AuditFacts): JsonObject | JsonObject[] | undefined {
  if (body === undefined || body.length === 0 || body.length > maxTextBytes) return undefined;
  try {
    const isPatch = contentType.includes("patch") && !contentType.includes("yaml");
    return isPatch
      ? JSON.parse(body.toString("utf8"))
      : decodeBody(body, contentType.includes("yaml") ? "application/yaml" : contentType).object;
  } catch {
    return undefined; // the record says why it was refused
  }
}

/** What a person would call the content: not what the server keeps count with. */
function contentOf(object: JsonObject): JsonObject {
  const { managedFields: _a, resourceVersion: _b, generation: _c, ...metadata } = metadataOf({ ...object });
  return { metadata, spec: sectionOf(object, "spec"), status: sectionOf(object, "status") };
}

/** RFC 7386: the patch that makes `after` of `before`. */
export function mergePatchOf(before: JsonObject, after: JsonObject): JsonObject {
  const patch = new Map<string, JsonValue>();
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [from, to] = [before[key], after[key]];
    if (to === undefined) patch.set(key, null);
    else if (isObject(from) && isObject(to)) {
      const inner = mergePatchOf(from, to);
      if (Object.keys(inner).length > 0) patch.set(key, inner);
    } else if (from === undefined || !equalJson(from, to)) patch.set(key, to);
  }
  return Object.fromEntries(patch);
}
