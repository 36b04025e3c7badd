/** One `audit.k8s.io/v1` Event of a request. Source: k8s.io/apiserver/pkg/apis/audit/v1/types.go. */
import type { JsonObject, JsonValue } from "@krate/apimachinery";
import { ApiError } from "@krate/kinds";
import { redact, redactText } from "@krate/telemetry";
import { decodeBody } from "../body.ts";
import type { RequestContext, UserInfo } from "../context.ts";
import { metadataOf, textOf } from "../objects.ts";
import type { AuditLevel, AuditRule, AuditStage } from "./policy.ts";
import { sourceAddresses } from "./source.ts";

/** Bodies longer than this are left out: the log is for reading. */
const maxBodyBytes = 256 * 1024;
const maxUserAgentCharacters = 1024;
const internalErrorCode = 500;
const okCode = 200;

/** The status a request will be answered with: that of the error it failed with, of the answer, or of an open stream. */
export function statusOf(ctx: RequestContext, error: unknown): number {
  if (error instanceof ApiError) return error.code;
  if (error !== undefined) return internalErrorCode;
  return ctx.response?.status ?? (ctx.status || okCode);
}

export function auditEvent(
  ctx: RequestContext,
  { rule, stage, error, now }: { rule: AuditRule; stage: AuditStage; error: unknown; now: Date },
): JsonObject {
  const { exchange, impersonator, user } = ctx;
  const userAgent = exchange.header("user-agent")?.slice(0, maxUserAgentCharacters);
  return {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: rule.level,
    auditID: ctx.requestId,
    stage,
    requestURI: redactText(exchange.query === "" ? exchange.path : `${exchange.path}?${exchange.query}`),
    verb: ctx.info.verb,
    user: userOf(impersonator ?? user),
    ...(impersonator !== undefined && { impersonatedUser: userOf(user) }),
    sourceIPs: sourceAddresses(exchange),
    ...(userAgent !== undefined && { userAgent }),
    ...(ctx.info.isResource && { objectRef: referenceOf(ctx) }),
    responseStatus: responseStatusOf(ctx, error),
    ...bodiesOf(ctx, rule, error),
    requestReceivedTimestamp: micro(new Date(now.getTime() - (performance.now() - ctx.startedAt))),
    stageTimestamp: micro(now),
    annotations: annotationsOf(ctx),
  };
}

function userOf({ name, uid, groups, extra }: UserInfo): JsonObject {
  return {
    username: name,
    ...(uid !== undefined && uid !== "" && { uid }),
    groups: [...groups],
    ...(extra !== undefined && { extra: extra as unknown as JsonObject }),
  };
}

function referenceOf(ctx: RequestContext): JsonObject {
  const { group, version, resource, subresource, namespace, name } = ctx.target;
  const metadata = ctx.object === undefined ? undefined : metadataOf(ctx.object);
  const found = name !== "" ? name : (ctx.key?.name ?? "");
  const uid = textOf(metadata?.["uid"]);
  return {
    resource,
    ...(namespace !== "" && { namespace }),
    ...(found !== "" && { name: found }),
    ...(uid !== "" && { uid }),
    ...(group !== "" && { apiGroup: group }),
    apiVersion: version,
    ...(subresource !== "" && { subresource }),
  };
}

function responseStatusOf(ctx: RequestContext, error: unknown): JsonObject {
  const code = statusOf(ctx, error);
  if (!(error instanceof ApiError)) return { metadata: {}, code };
  const { status, reason, message } = error.toStatus();
  return { metadata: {}, status: status ?? "Failure", message: redactText(message ?? ""), reason: reason ?? "", code };
}

function bodiesOf(ctx: RequestContext, { level, omitManagedFields }: AuditRule, error: unknown): JsonObject {
  if (level === "Metadata") return {};
  const tidy = (object: JsonObject) => redact(omitManagedFields ? withoutManagedFields(object) : object) as JsonValue;
  const requestObject = bodyOf(ctx);
  const responseObject = answers(level) && error === undefined ? responseOf(ctx) : undefined;
  return {
    ...(requestObject !== undefined && { requestObject: tidy(requestObject) }),
    ...(responseObject !== undefined && { responseObject: tidy(responseObject) }),
  };
}

const answers = (level: AuditLevel) => level === "RequestResponse";

function bodyOf({ body, exchange }: RequestContext): JsonObject | undefined {
  if (body === undefined || body.length === 0 || body.length > maxBodyBytes) return undefined;
  try {
    return decodeBody(body, exchange.header("content-type")).object;
  } catch {
    return undefined; // what nobody could read is not repeated; the answer says why it was refused
  }
}

function responseOf({ response }: RequestContext): JsonObject | undefined {
  if (response?.kind !== "bytes" || !response.contentType.startsWith("application/json")) return undefined;
  const { body } = response;
  const bytes: Buffer = Buffer.isBuffer(body) ? body : Buffer.concat(body);
  if (bytes.length > maxBodyBytes) return undefined;
  return JSON.parse(bytes.toString("utf8")) as JsonObject;
}

function withoutManagedFields(object: JsonObject): JsonObject {
  const { managedFields: _left, ...metadata } = metadataOf({ ...object });
  return { ...object, metadata };
}

function annotationsOf({ authorization, auditAnnotations }: RequestContext): JsonObject {
  return {
    ...(authorization !== undefined && {
      "authorization.k8s.io/decision": authorization.allowed ? "allow" : "forbid",
      "authorization.k8s.io/reason": authorization.reason ?? "",
    }),
    ...auditAnnotations,
  };
}

/** RFC 3339 with six digits, as Kubernetes' MicroTime. */
function micro(date: Date): string {
  return date.toISOString().replace("Z", "000Z");
}
