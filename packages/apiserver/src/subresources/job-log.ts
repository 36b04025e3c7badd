/**
 * `jobs/log` of forge.krate.a5c.ai: while the Job runs its Pod's log, afterwards the one that runner-operator stored.
 *
 *   GET            the stored log, else the Pod's so far
 *   GET ?follow=true   waits for the Pod, follows its log, ends with it
 *   PUT            stores the log (runner-operator); replaces what was stored
 */
import { dig, type JsonObject } from "@krate/apimachinery";
import { badRequest, forbidden, isReason, notFound, platformNamespace } from "@krate/kinds";
import type { RequestContext } from "../context.ts";
import { decodeStored, metadataOf, sectionOf, textOf } from "../objects.ts";
import { pause } from "../watching/local-cache.ts";
import type { PodLogs } from "./pod-logs.ts";

const writer = `system:serviceaccount:${platformNamespace}:runner-operator`;
const maxLogBytes = 64 * 1024 * 1024;
const pollMilliseconds = 300;
const finished = new Set(["Succeeded", "Failed", "Skipped", "Cancelled", "TimedOut"]);
const ok = 200;

export function jobLog(logs: PodLogs): (ctx: RequestContext) => Promise<void> {
  return (ctx) => (ctx.target.verb === "get" ? readLog(ctx, logs) : storeLog(ctx));
}

async function readJob(ctx: RequestContext): Promise<JsonObject> {
  const { storage, group, plural } = ctx.served;
  const { namespace, name } = ctx.target;
  const stored = await ctx.services.store.get({ ...storage, namespace, name });
  if (stored === undefined) throw notFound({ group, plural, name });
  return decodeStored(stored);
}

/** Key of the stored log; the uid, so that a Job of the same name does not inherit it. */
export function logScope(job: JsonObject): string {
  const { namespace, uid } = metadataOf(job);
  return `jobs/${textOf(namespace)}/${textOf(uid)}/log`;
}

async function storeLog(ctx: RequestContext): Promise<void> {
  const job = await readJob(ctx);
  if (ctx.user.name !== writer && !ctx.user.groups.includes("system:masters")) {
    throw forbidden({ ...ctx.served, name: ctx.target.name }, `only ${writer} stores logs`);
  }
  const body = await ctx.readBody(maxLogBytes);
  const { sizeBytes } = await ctx.services.store.putBlob(logScope(job), body);
  const value = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    message: `stored ${sizeBytes} bytes`,
    code: ok,
  };
  ctx.result = { kind: "value", status: ok, value };
}

async function readLog(ctx: RequestContext, logs: PodLogs): Promise<void> {
  const follow = ctx.params.get("follow") === "true" || ctx.params.get("follow") === "1";
  const chunks = follow ? followed(ctx, logs) : await once(ctx, logs);
  if (follow) await readJob(ctx);
  ctx.response = { kind: "stream", status: ok, contentType: "text/plain; charset=utf-8", chunks };
}

async function stored(ctx: RequestContext, job: JsonObject): Promise<AsyncIterable<Buffer> | undefined> {
  const { store } = ctx.services;
  const scope = logScope(job);
  return (await store.statBlob(scope)) === undefined ? undefined : store.readBlob(scope);
}

async function once(ctx: RequestContext, logs: PodLogs): Promise<AsyncIterable<Buffer>> {
  const job = await readJob(ctx);
  const kept = await stored(ctx, job);
  if (kept !== undefined) return kept;
  const pod = podOf(job);
  if (pod === undefined) throw badRequest(`job ${ctx.target.name} has no log yet: it has not started`);
  return openPod(ctx, logs, job, pod, { follow: false });
}

function podOf(job: JsonObject): string | undefined {
  return textOf(dig(job, "status", "pod", "name")) || undefined;
}

function openPod(
  ctx: RequestContext,
  logs: PodLogs,
  job: JsonObject,
  pod: string,
  { follow }: { follow: boolean },
): Promise<AsyncIterable<Buffer>> {
  const query = new URLSearchParams();
  if (follow) query.set("follow", "true");
  for (const name of ["tailLines", "sinceSeconds", "sinceTime", "timestamps", "limitBytes"]) {
    const value = ctx.params.get(name);
    if (value !== null) query.set(name, value);
  }
  const namespace = textOf(dig(job, "status", "pod", "namespace")) || ctx.target.namespace;
  return logs.open({ namespace, pod, query, signal: ctx.signal });
}

/** Waits for the Pod, then follows it. When the Pod cannot be read any more, the stored log takes its place. */
async function* followed(ctx: RequestContext, logs: PodLogs): AsyncGenerator<Buffer> {
  let sentBytes = 0;
  while (!ctx.signal.aborted) {
    const job = await readJob(ctx);
    const kept = await stored(ctx, job);
    if (kept !== undefined) {
      yield* skip(kept, sentBytes);
      return;
    }
    const pod = podOf(job);
    if (pod !== undefined) {
      try {
        for await (const chunk of await openPod(ctx, logs, job, pod, { follow: true })) {
          sentBytes += chunk.length;
          yield chunk;
        }
        return;
      } catch (error) {
        if (sentBytes > 0 || !mayComeYet(error)) throw error;
      }
    }
    if (finished.has(textOf(sectionOf(job, "status")["phase"])) && pod === undefined) return;
    await pause(pollMilliseconds, ctx.signal);
  }
}

/** The Pod is there but its container is not yet, or it has just gone. */
function mayComeYet(error: unknown): boolean {
  return isReason(error, "BadRequest") || isReason(error, "NotFound") || isReason(error, "ServiceUnavailable");
}

async function* skip(chunks: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const chunk of chunks) {
    if (left >= chunk.length) left -= chunk.length;
    else {
      yield left === 0 ? chunk : chunk.subarray(left);
      left = 0;
    }
  }
}
