/** One call of one webhook. Source: k8s.io/apiserver/pkg/admission/plugin/webhook/validating/dispatcher.go and mutating/dispatcher.go. */
import { randomUUID } from "node:crypto";
import type { RequestContext } from "../../context.ts";
import { requestFields } from "../attributes.ts";
import { inVersion, representationOf } from "../versions.ts";
import type { WebhookAnswer, WebhookClient } from "./client.ts";
import { CallFailed } from "./client.ts";
import type { Webhook } from "./configuration.ts";
import { type Endpoint, endpointOf } from "./endpoint.ts";
import { dryRunUnsupported, WebhookCallError, WebhookDenial } from "./errors.ts";
import type { Invocation } from "./invocation.ts";
import { admissionReview, InvalidReview, readReview, type Verdict } from "./review.ts";

const unavailable = 503;
const internal = 500;
const badRequestCode = 400;

/**
 * What the webhook said; warnings and audit annotations of its answer are kept on the request.
 *
 * @throws WebhookDenial when it refuses, WebhookCallError when it could not be asked, BadRequest when it may not be asked in a dry run
 */
export async function callWebhook(
  ctx: RequestContext,
  invocation: Invocation,
  { client, mutating }: { client: WebhookClient; mutating: boolean },
): Promise<Verdict> {
  const { webhook } = invocation;
  checkDryRun(ctx, webhook);
  const { reviewVersion: version } = webhook;
  if (version === undefined) {
    const why =
      "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)";
    throw new WebhookCallError(webhook.name, why, { code: badRequestCode });
  }
  const uid = randomUUID();
  const endpoint = await endpointFor(ctx, webhook);
  const body = bodyOf(ctx, invocation, { version, uid });
  const answer = await client
    .post(endpoint, body, { timeoutSeconds: webhook.timeoutSeconds, signal: ctx.signal })
    .catch((cause: unknown) => {
      if (!(cause instanceof CallFailed)) throw cause;
      const { canceled } = cause;
      throw new WebhookCallError(webhook.name, `failed to call webhook: ${cause.message}`, {
        code: unavailable,
        canceled,
        cause,
      });
    });
  const verdict = verdictIn(answer, webhook, { version, uid, mutating });
  record(ctx, webhook, verdict);
  if (!verdict.allowed) throw new WebhookDenial(webhook.name, verdict.status);
  return verdict;
}

function checkDryRun(ctx: RequestContext, { name, sideEffects }: Webhook): void {
  if (ctx.options?.dryRun !== true) return;
  if (sideEffects === "") throw new WebhookCallError(name, "Webhook SideEffects is nil", { code: badRequestCode });
  if (sideEffects !== "None" && sideEffects !== "NoneOnDryRun") throw dryRunUnsupported(name);
}

async function endpointFor(ctx: RequestContext, { name, client }: Webhook): Promise<Endpoint> {
  try {
    return await endpointOf(ctx.services.config, client);
  } catch (cause) {
    const why = `failed to call webhook: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new WebhookCallError(name, why, { code: unavailable, cause });
  }
}

function bodyOf(
  ctx: RequestContext,
  { as, attributes }: Invocation,
  { version, uid }: { version: NonNullable<Webhook["reviewVersion"]>; uid: string },
): string {
  const objects = {
    object: inVersion(attributes.object, ctx.served, as),
    oldObject: inVersion(attributes.oldObject, ctx.served, as),
  };
  const request = requestFields(ctx, attributes, representationOf(ctx, as));
  return JSON.stringify(admissionReview(version, uid, request, objects));
}

function verdictIn(
  answer: WebhookAnswer,
  { name }: Webhook,
  expected: { version: NonNullable<Webhook["reviewVersion"]>; uid: string; mutating: boolean },
): Verdict {
  const problem = problemOf(answer);
  if (problem !== undefined) {
    throw new WebhookCallError(name, `failed to call webhook: ${problem.message}`, { code: problem.code });
  }
  try {
    return readReview(answer.body, expected);
  } catch (cause) {
    if (!(cause instanceof InvalidReview)) throw cause;
    const prefix = { decoding: "failed to call webhook: ", response: "received invalid webhook response: ", patch: "" };
    throw new WebhookCallError(name, `${prefix[cause.kind]}${cause.message}`, { code: unavailable, cause });
  }
}

const maxShownCharacters = 2048;
const okCode = 200;
const lastOkCode = 206;

/** Source: k8s.io/apimachinery/pkg/api/errors.NewGenericServerResponse. A redirect is not followed: the request is for the webhook alone. */
const texts: Readonly<Record<number, string>> = {
  400: "the server rejected our request for an unknown reason",
  401: "the server has asked for the client to provide credentials",
  404: "the server could not find the requested resource",
  405: "the server does not allow this method on the requested resource",
  409: "the server reported a conflict",
  422: "the server rejected our request due to an error in our request",
  429: "the server has received too many requests and has asked us to try again later",
  503: "the server is currently unable to handle the request",
  504: "the server was unable to return a response in the time allotted, but may still be processing the request",
};
const ownWords = new Set([403, 406, 415]);

function problemOf({ status, contentType, body }: WebhookAnswer): { message: string; code: number } | undefined {
  if (status >= okCode && status <= lastOkCode) {
    if (body !== "") return undefined;
    const type = contentType === "" ? "application/json" : contentType;
    return { message: `0-length response with status code: ${status} and content type: ${type}`, code: unavailable };
  }
  const shown = /^text\//.test(contentType) ? body.slice(0, maxShownCharacters).trim() : "unknown";
  if (ownWords.has(status)) return { message: shown, code: status };
  if (texts[status] !== undefined) return { message: texts[status], code: status };
  if (status >= internal) {
    const message = `an error on the server (${JSON.stringify(shown)}) has prevented the request from succeeding`;
    return { message, code: status };
  }
  return {
    message: `the server responded with the status code ${status} but did not return more information`,
    code: status,
  };
}

/** As in kube-apiserver: all of them, and each when they are more than that. */
const maxWarningCharacters = 4096;
const maxLongWarningCharacters = 256;

function record(ctx: RequestContext, { name }: Webhook, { warnings, auditAnnotations }: Verdict): void {
  for (const text of cutWarnings(warnings)) ctx.warn(text);
  for (const [key, value] of Object.entries(auditAnnotations)) ctx.addAuditAnnotation(`${name}/${key}`, value);
}

function cutWarnings(warnings: readonly string[]): readonly string[] {
  const lengthOf = (texts: readonly string[]) => texts.reduce((sum, { length }) => sum + length, 0);
  if (lengthOf(warnings) <= maxWarningCharacters) return warnings;
  const kept: string[] = [];
  for (const text of warnings) {
    if (lengthOf(kept) >= maxWarningCharacters) break;
    kept.push(text.slice(0, maxLongWarningCharacters));
  }
  return kept;
}
