import { type ChildProcess, spawn } from "node:child_process";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type GitEnvironmentOptions, gitEnvironment } from "./environment.ts";
import { GitError, type GitFailure } from "./git-error.ts";

export interface GitProcessOptions extends GitEnvironmentOptions {
  /** What the process reads. Absent means no input at all. */
  stdin?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Wall-clock limit in milliseconds; the whole process group is killed after it. @defaultValue 60 s */
  timeoutMs?: number;
  /** Ends the process group when it fires. */
  signal?: AbortSignal;
  /** Gets what the process says on standard error while it runs, such as progress. */
  onStderr?: (text: string) => void;
}

export interface RunGitOptions extends GitProcessOptions {
  /** Most bytes of standard output that are kept; the process is killed beyond. @defaultValue 64 MiB */
  maxOutputBytes?: number;
  /** Exit codes that are an answer rather than a failure, such as 1 of merge-base --is-ancestor. @defaultValue [0] */
  okExitCodes?: readonly number[];
}

export interface GitResult {
  exitCode: number;
  stdout: Buffer;
  stderr: string;
}

/** A running git process whose output is read while it runs. */
export interface GitStream {
  /** Standard output with backpressure; destroying it kills the process. */
  stdout: Readable;
  /** Resolves when the process has ended well. @throws {GitError} otherwise, also when nobody reads stdout to its end. */
  finished: Promise<void>;
  /** Kills the process group. Harmless when it has already ended. */
  kill(): void;
}

export const defaultGitTimeoutMs = 60_000;
const defaultMaxOutputBytes = 64 * 1024 * 1024;
/** Enough for any complaint a person would read. */
const maxStderrBytes = 64 * 1024;

/**
 * Runs git to its end and answers what it printed.
 * @throws {GitError} on another exit code than allowed, on the limits, or when the signal fires.
 */
export async function runGit(args: readonly string[], options: RunGitOptions = {}): Promise<GitResult> {
  const running = start(args, options);
  const chunks: Buffer[] = [];
  let size = 0;
  const maxOutputBytes = options.maxOutputBytes ?? defaultMaxOutputBytes;
  running.child.stdout?.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxOutputBytes) running.stop("output-limit");
    else chunks.push(chunk);
  });
  const exitCode = await running.exit;
  running.throwUnless(exitCode, options.okExitCodes ?? [0]);
  return {
    exitCode,
    stdout: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks),
    stderr: running.stderr(),
  };
}

/** Standard output of a run as text without its final newline. */
export async function gitText(args: readonly string[], options: RunGitOptions = {}): Promise<string> {
  return (await runGit(args, options)).stdout.toString("utf8").replace(/\n$/, "");
}

/** Starts git and hands out its output as a stream. */
export function streamGit(
  args: readonly string[],
  options: GitProcessOptions & { okExitCodes?: readonly number[] } = {},
): GitStream {
  const running = start(args, options);
  const stdout = running.child.stdout as Readable;
  stdout.once("close", () => {
    if (!stdout.readableEnded) running.stop("aborted");
  });
  const finished = running.exit.then((exitCode) => running.throwUnless(exitCode, options.okExitCodes ?? [0]));
  // A caller that only reads stdout must not crash the program with an unhandled rejection.
  finished.catch(() => undefined);
  return { stdout, finished, kill: () => running.stop("aborted") };
}

interface Running {
  child: ChildProcess;
  exit: Promise<number>;
  stderr(): string;
  stop(failure: GitFailure): void;
  throwUnless(exitCode: number, ok: readonly number[]): void;
}

function start(args: readonly string[], options: GitProcessOptions): Running {
  const subcommand = args.find((argument) => !argument.startsWith("-")) ?? "";
  let failure: GitFailure | undefined;
  let startError: unknown;
  let stderr = "";
  const child = spawn("git", args, {
    env: gitEnvironment(options),
    cwd: options.gitDir ?? "/",
    stdio: [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    // Own process group: upload-pack starts pack-objects, and both must go when the client does.
    detached: true,
  });
  const stop = (why: GitFailure) => {
    failure ??= why;
    killGroup(child);
  };
  const timer = setTimeout(() => stop("timeout"), options.timeoutMs ?? defaultGitTimeoutMs);
  const onAbort = () => stop("aborted");
  if (options.signal?.aborted) onAbort();
  else options.signal?.addEventListener("abort", onAbort, { once: true });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    options.onStderr?.(text);
    if (stderr.length < maxStderrBytes) stderr += text;
  });
  feed(child, options.stdin, (error) => {
    startError = error;
    stop("aborted");
  });
  const exit = new Promise<number>((resolve) => {
    child.once("error", (error) => {
      failure ??= "not-started";
      startError = error;
      resolve(-1);
    });
    child.once("close", (code) => resolve(code ?? -1));
  }).then((exitCode) => {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", onAbort);
    return exitCode;
  });
  return {
    child,
    exit,
    stderr: () => stderr,
    stop,
    throwUnless(exitCode, ok) {
      if (failure === undefined && ok.includes(exitCode)) return;
      throw new GitError(subcommand, {
        failure: failure ?? "exit",
        exitCode,
        stderr,
        cause: startError,
        text: failure === undefined ? undefined : failureText(failure, options, startError),
      });
    },
  };
}

function failureText(failure: GitFailure, options: GitProcessOptions, cause: unknown): string | undefined {
  if (failure === "timeout")
    return `took longer than ${(options.timeoutMs ?? defaultGitTimeoutMs) / 1000} s and was stopped`;
  if (failure === "output-limit") return "printed more than is allowed and was stopped";
  if (failure === "not-started") return "could not be started";
  if (failure === "aborted") return cause instanceof Error ? cause.message : "was stopped";
  return undefined;
}

/** Writes `stdin` to the process. That git stops reading early shows in its exit code; a source that fails is reported. */
function feed(child: ChildProcess, stdin: GitProcessOptions["stdin"], onSourceError: (error: unknown) => void): void {
  if (stdin === undefined || !child.stdin) return;
  if (typeof stdin === "string" || stdin instanceof Uint8Array) {
    child.stdin.on("error", () => undefined);
    child.stdin.end(stdin);
    return;
  }
  const source = reportingErrors(stdin, onSourceError);
  pipeline(Readable.from(source, { objectMode: false }), child.stdin as Writable).catch(() => undefined);
}

/** Only what the source itself throws is reported: a sink that closes early throws into this generator, and that is no failure of the source. */
async function* reportingErrors(
  source: AsyncIterable<Uint8Array>,
  onError: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await iterator.next().catch((error: unknown) => {
        onError(error);
        throw error;
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
