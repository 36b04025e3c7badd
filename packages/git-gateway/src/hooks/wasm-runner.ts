import type { CommitFacts, PushFacts, RefUpdateFacts, WasmCall, WasmOutcome, WasmRunner } from "@krate/refpolicy";
import { HookFailure, type HookPool } from "./hook-pool.ts";
import { type HookQuestion, type HookReply, hookLimits } from "./hook-protocol.ts";
import type { ModuleStore } from "./module-store.ts";

/** @defaultValue of `timeoutMs` in a RefPolicy, milliseconds */
const defaultTimeoutMs = 500;
const defaultPushMs = 10_000;
const maxLines = 20;

export interface HookObservation {
  outcome: "accepted" | "refused" | HookFailure["kind"];
  ranMs: number;
}

export interface WasmRunnerOptions {
  pool: HookPool;
  modules: ModuleStore;
  namespace: string;
  /** Longest all hooks of one push may run together, milliseconds. @defaultValue 10 s */
  maxPushMs?: number;
  onRun?(observation: HookObservation): void;
}

/** Runs the hooks of one push (docs/reference/wasm-hooks.md). */
export function wasmRunner({
  pool,
  modules,
  namespace,
  maxPushMs = defaultPushMs,
  onRun,
}: WasmRunnerOptions): WasmRunner {
  let leftMs = maxPushMs;
  return async (call) => {
    try {
      if (leftMs <= 0) throw new HookFailure("timeout", `the hooks of one push may run ${maxPushMs} ms together`);
      const module = await modules.load(namespace, call.settings);
      const timeoutMs = Math.min(leftMs, call.settings.timeoutMs ?? defaultTimeoutMs);
      const input = encode(inputOf(call, namespace));
      const run = await pool.run({ module, input, timeoutMs, answer: (question) => answerOf(question, call) });
      leftMs -= run.ranMs;
      const refused = run.result !== 0 || run.refusals.length > 0;
      onRun?.({ outcome: refused ? "refused" : "accepted", ranMs: run.ranMs });
      const reason = run.refusals.flatMap(linesOf).slice(0, maxLines).join("; ") || "the hook refused without a reason";
      return { notes: run.notes.flatMap(linesOf).slice(0, maxLines), ...(refused && { refusal: reason }) };
    } catch (error) {
      if (!(error instanceof HookFailure)) throw error;
      if (error.kind === "timeout") leftMs -= call.settings.timeoutMs ?? defaultTimeoutMs;
      onRun?.({ outcome: error.kind, ranMs: 0 });
      return failed(call, error);
    }
  };
}

function failed({ settings, policy, rule }: WasmCall, error: HookFailure): WasmOutcome {
  const text = `the hook could not be run: ${linesOf(error.message).join(" ")}`;
  if (settings.failure !== "Allow") return { refusal: text, notes: [] };
  return { notes: [`${policy}, rule ${rule}: ${text}; its policy lets the push pass`] };
}

function inputOf({ policy, rule, hook, updates, push }: WasmCall, namespace: string) {
  return {
    hook,
    policy,
    rule,
    namespace,
    repository: push.repository,
    actor: { user: push.actor.user, groups: push.actor.groups },
    ...(push.mergeOf !== undefined && { pullRequest: push.mergeOf }),
    updates: updates.map(({ ref, oldSha, newSha, action, isFastForward }) => ({
      ref,
      oldId: oldSha,
      newId: newSha,
      action,
      fastForward: isFastForward,
    })),
  };
}

async function answerOf(question: HookQuestion, call: WasmCall): Promise<HookReply> {
  if (question.what === "object") return { bytes: await objectAnswer(question, call.push) };
  const { update: index } = question;
  const bytes = await updateAnswer(question, call.updates[index]);
  const others: NonNullable<HookReply["others"]> = [];
  let left = hookLimits.aheadBytes - (bytes?.length ?? 0);
  for (let update = index + 1; update < call.updates.length && left > 0; update++) {
    const next = await updateAnswer(question, call.updates[update]);
    if (!next) break;
    left -= next.length;
    others.push({ update, bytes: next });
  }
  return { bytes, others };
}

async function updateAnswer(
  question: Exclude<HookQuestion, { what: "object" }>,
  update: RefUpdateFacts | undefined,
): Promise<Uint8Array | undefined> {
  if (!update) return undefined;
  switch (question.what) {
    case "commits":
      return encode((await commitsOf(update)).map(({ sha, parents, message }) => ({ id: sha, parents, message })));
    case "paths":
      return encode(
        await Promise.all(
          (await commitsOf(update)).map(async (commit) => ({ id: commit.sha, paths: await commit.paths() })),
        ),
      );
    case "large-blobs": {
      const blobs = await update.blobsLargerThan(question.minBytes);
      return encode(blobs.map(({ sha, size, path }) => ({ id: sha, size, path: path ?? "" })));
    }
  }
}

async function commitsOf(update: RefUpdateFacts): Promise<CommitFacts[]> {
  return update.action === "delete" ? [] : update.commits();
}

/** Objects are named by id, by the tree of an id, or by a path in an id: nothing else git would understand. */
const objectName = /^[0-9a-f]{40}(?:\^\{tree\}|:[^\n\0]{0,4000})?$/;

async function objectAnswer(
  { name, content }: Extract<HookQuestion, { what: "object" }>,
  { objects }: PushFacts,
): Promise<Uint8Array | undefined> {
  if (!objectName.test(name)) return undefined;
  const object = await objects?.read(name, content ? hookLimits.objectBytes : -1);
  if (!object) return undefined;
  if (content) return object.content;
  return encode({ id: object.id, type: object.type, size: object.size });
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Lines as a terminal may show them: a hook cannot move the cursor of the person who pushes. */
function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.replace(/\p{Cc}/gu, "").trim())
    .filter((line) => line !== "");
}
