/**
 * The thread hooks run in. A hook is instantiated anew for every run, so nothing of one push is seen by the next; it reaches
 * nothing but the functions below, which read and write its own memory (docs/reference/wasm-hooks.md).
 */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import {
  type FromWorker,
  type HookAnswer,
  type HookQuestion,
  type HookReply,
  hookLimits,
  type ToWorker,
  type WorkerSetup,
} from "./hook-protocol.ts";

const { signal, answers } = workerData as WorkerSetup;
const flag = new Int32Array(signal);
const parent = parentPort;
if (!parent) throw new Error("hook.worker.ts runs only as a worker thread");

const tell = (message: FromWorker) => parent.postMessage(message);
const decoder = new TextDecoder();

parent.on("message", (message: ToWorker) => {
  try {
    if (message.kind === "compile") tell({ kind: "compiled", module: new WebAssembly.Module(message.bytes) });
    else tell(new Run(message.input).execute(message.module));
  } catch (error) {
    tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  }
});
tell({ kind: "ready" });

/** Asks the gateway and waits, as the hook does: the thread has nothing else to do. */
function ask(question: HookQuestion): HookReply {
  tell({ kind: "ask", question });
  Atomics.wait(flag, 0, 0);
  Atomics.store(flag, 0, 0);
  const answer = receiveMessageOnPort(answers)?.message as HookAnswer | undefined;
  if (!answer || "failed" in answer) throw new Error(answer?.failed ?? "the gateway did not answer");
  return answer;
}

/** Text a hook leaves for people, cut at a number of bytes. */
class Lines {
  readonly lines: string[] = [];
  #left: number = hookLimits.textBytes;

  add(bytes: Uint8Array): void {
    if (this.#left === 0) return;
    const cut = bytes.subarray(0, this.#left);
    this.#left -= cut.length;
    this.lines.push(decoder.decode(cut) + (cut.length < bytes.length ? "…" : ""));
  }
}

class Run {
  readonly #input: Uint8Array;
  readonly #refusals = new Lines();
  readonly #notes = new Lines();
  #memory: WebAssembly.Memory | undefined;
  #questions = 0;
  #answerBytes: number;
  /** Answers that came ahead, by question. */
  readonly #ahead = new Map<string, Uint8Array>();
  /** The last answer, for a hook that asks for its length first and for its bytes then. */
  #last: { key: string; bytes: Uint8Array | undefined } = { key: "", bytes: undefined };

  constructor(input: Uint8Array) {
    this.#input = input;
    this.#answerBytes = input.length;
  }

  execute(module: WebAssembly.Module): FromWorker {
    const instance = new WebAssembly.Instance(module, { krate: this.#host() });
    this.#memory = instance.exports["memory"] as WebAssembly.Memory;
    const result = (instance.exports["krate_hook_v1"] as () => number)();
    return { kind: "ended", result, refusals: this.#refusals.lines, notes: this.#notes.lines };
  }

  #host(): Record<string, (...values: number[]) => unknown> {
    return {
      input: (at = 0, capacity = 0) => this.#put(this.#input, at, capacity),
      commits: (update = 0, at = 0, capacity = 0) => this.#put(this.#ask({ what: "commits", update }), at, capacity),
      paths: (update = 0, at = 0, capacity = 0) => this.#put(this.#ask({ what: "paths", update }), at, capacity),
      large_blobs: (update = 0, minBytes = 0, at = 0, capacity = 0) =>
        this.#put(this.#ask({ what: "large-blobs", update, minBytes: minBytes >>> 0 }), at, capacity),
      object_info: (name = 0, nameLength = 0, at = 0, capacity = 0) =>
        this.#put(this.#ask({ what: "object", name: this.#text(name, nameLength), content: false }), at, capacity),
      object_read: (name = 0, nameLength = 0, offset = 0, at = 0, capacity = 0) => {
        const bytes = this.#ask({ what: "object", name: this.#text(name, nameLength), content: true });
        return this.#put(bytes?.subarray(offset >>> 0), at, capacity);
      },
      refuse: (at = 0, length = 0) => this.#refusals.add(this.#bytes(at, length)),
      say: (at = 0, length = 0) => this.#notes.add(this.#bytes(at, length)),
    };
  }

  /** The memory as it is now: growing it detaches older views. Undefined memory means a start function that calls out. */
  #bytes(at: number, length: number): Uint8Array {
    const buffer = this.#memory?.buffer;
    const from = at >>> 0;
    const count = length >>> 0;
    if (!buffer || from + count > buffer.byteLength) throw new Error("the hook passed a range outside its memory");
    return new Uint8Array(buffer, from, count);
  }

  #text(at: number, length: number): string {
    const bytes = this.#bytes(at, length);
    if (bytes.length > 4096) throw new Error("the hook asked for an object by a name of more than 4096 bytes");
    return decoder.decode(bytes);
  }

  /** Copies what fits; answers the whole length, or -1 for nothing. */
  #put(bytes: Uint8Array | undefined, at: number, capacity: number): number {
    if (!bytes) return -1;
    const part = bytes.subarray(0, capacity >>> 0);
    if (part.length > 0) this.#bytes(at, part.length).set(part);
    return bytes.length;
  }

  #ask(question: HookQuestion): Uint8Array | undefined {
    const key = JSON.stringify(question);
    if (this.#last.key === key) return this.#last.bytes;
    if (++this.#questions > hookLimits.questions)
      throw new Error(`the hook asked more than ${hookLimits.questions} times`);
    const bytes = this.#ahead.get(key) ?? this.#askGateway(question);
    this.#answerBytes += bytes?.length ?? 0;
    if (this.#answerBytes > hookLimits.answerBytes)
      throw new Error(`the hook read more than ${hookLimits.answerBytes} bytes`);
    this.#last = { key, bytes };
    return bytes;
  }

  #askGateway(question: HookQuestion): Uint8Array | undefined {
    const reply = ask(question);
    for (const { update, bytes } of reply.others ?? []) this.#ahead.set(JSON.stringify({ ...question, update }), bytes);
    return reply.bytes;
  }
}
