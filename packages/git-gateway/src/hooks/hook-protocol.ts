/**
 * What the gateway and a hook worker say to each other.
 *
 *   gateway → worker   compile bytes             worker → gateway   compiled module
 *   gateway → worker   run module input          worker → gateway   ended outcome
 *                                                worker → gateway   ask question     (while it runs; the worker blocks)
 *   gateway → worker   answer, on a port of its own, read synchronously by the blocked worker
 *
 * A worker does one thing at a time. One that does not come back in time is terminated.
 */
import type { MessagePort } from "node:worker_threads";

/** What a hook may ask the gateway while it runs. `update` is an index of the input's `updates`. */
export type HookQuestion =
  | { what: "commits"; update: number }
  | { what: "paths"; update: number }
  | { what: "large-blobs"; update: number; minBytes: number }
  | { what: "object"; name: string; content: boolean };

/** JSON text, an object's bytes, or nothing when there is no such thing. */
export interface HookReply {
  bytes: Uint8Array | undefined;
  /** Answers to the same question about other updates: a hook that asks about one asks about the next. */
  others?: { update: number; bytes: Uint8Array }[];
}

/** `failed`: the run must end. */
export type HookAnswer = HookReply | { failed: string };

export type ToWorker =
  | { kind: "compile"; bytes: Uint8Array }
  | { kind: "run"; module: WebAssembly.Module; input: Uint8Array };

export type FromWorker =
  | { kind: "ready" }
  | { kind: "compiled"; module: WebAssembly.Module }
  | { kind: "ended"; result: number; refusals: string[]; notes: string[] }
  | { kind: "failed"; message: string }
  | { kind: "ask"; question: HookQuestion };

export interface WorkerSetup {
  /** One 32-bit word: 1 when an answer waits on the port. */
  signal: SharedArrayBuffer;
  answers: MessagePort;
}

/** Bounds of one run; docs/reference/wasm-hooks.md tells them. */
export const hookLimits = {
  /** Questions to the gateway. */
  questions: 20_000,
  /** Bytes of answers that are sent ahead of their questions. */
  aheadBytes: 1024 * 1024,
  /** Bytes of answers and of the input. */
  answerBytes: 64 * 1024 * 1024,
  /** Largest object that can be read. */
  objectBytes: 16 * 1024 * 1024,
  /** Bytes of all refusals together, and of all notes together; what is beyond is cut. */
  textBytes: 4 * 1024,
} as const;
