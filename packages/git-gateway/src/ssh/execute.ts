import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { type BackendRepository, GitError, type GitStream } from "@krate/git";
import type { Logger } from "@krate/telemetry";
import type { ServerChannel } from "ssh2";
import type { Access, AccessPorts } from "../access/authorize.ts";
import { GatewayError } from "../access/gateway-error.ts";
import { advertiseReceivePack } from "../receive-pack/advertise.ts";
import { type GitServiceOptions, maxFetchRequestBytes, openFor, servePush } from "../services/git-services.ts";
import { uploadArchiveSession, uploadPackSession } from "../upload-pack/upload-pack.ts";
import { parseSshCommand, type SshCommand, type SshService } from "./command.ts";
import { type CredentialPorts, describeCredential, type SshCredential } from "./credential.ts";
import { decideForCredential } from "./decide.ts";
import { type LfsAuthenticateOptions, lfsAuthentication } from "./lfs-authenticate.ts";
import { maxUnsentBytes } from "./limits.ts";

export interface ExecuteOptions {
  credentials: CredentialPorts;
  access: Pick<AccessPorts, "authorizer" | "repositories">;
  git: GitServiceOptions;
  /** Absent where large files are not served. */
  lfs?: LfsAuthenticateOptions | undefined;
  log: Logger;
  onRequest?(outcome: { route: string; status: number; seconds: number }): void;
}

export interface Execution {
  command: string;
  /** Value of GIT_PROTOCOL, if the client set it. */
  protocol?: string | undefined;
  credential: SshCredential;
  channel: ServerChannel;
  socket: Socket;
  silenceTimeoutMs: number;
  /** Fires when the client is gone or the server must end. */
  signal: AbortSignal;
}

/** As git ends when it cannot go on. */
const failure = 128;

/** Runs one command of a client to its end and tells how it ended. Never throws. */
export async function execute(execution: Execution, options: ExecuteOptions): Promise<void> {
  const started = performance.now();
  const correlationId = randomUUID();
  const { channel } = execution;
  const log = options.log.child({ correlationId, transport: "ssh", ...describeCredential(execution.credential) });
  const silence = new AbortController();
  const signal = AbortSignal.any([execution.signal, silence.signal]);
  const stream = new ChannelStream(channel, execution.socket, signal);
  const timer = setTimeout(
    () => silence.abort(new GatewayError(408, `nothing was sent for ${execution.silenceTimeoutMs / 1000} s`)),
    execution.silenceTimeoutMs,
  );
  stream.onActivity = () => timer.refresh();
  let status = 200;
  try {
    await serve(parseSshCommand(execution.command), { ...execution, signal, correlationId, stream }, options);
    finish(channel, 0);
  } catch (error) {
    const known = error instanceof GatewayError ? error : undefined;
    status = known?.status ?? 500;
    if (!known && !signal.aborted) log.error({ err: error }, "a command failed");
    // The answer may be half sent: only standard error and the exit code are left to tell.
    channel.stderr.write(`krate: ${known?.message ?? `the server failed; correlation id ${correlationId}`}\n`);
    finish(channel, failure);
  } finally {
    clearTimeout(timer);
    const seconds = (performance.now() - started) / 1000;
    log.debug({ command: execution.command.slice(0, 200), status, seconds }, "served");
    options.onRequest?.({ route: "ssh", status, seconds });
  }
}

function finish(channel: ServerChannel, code: number): void {
  channel.exit(code);
  channel.end();
}

interface Serving extends Execution {
  correlationId: string;
  stream: ChannelStream;
}

async function serve(command: SshCommand, serving: Serving, options: ExecuteOptions): Promise<void> {
  const { service, namespace, repository } = command;
  const request = { namespace, repository, write: isWrite(command) };
  const access = await decideForCredential(request, serving.credential, options);
  await options.git.requestLimits.run(service, access.view, () => serveAdmitted(command, access, serving, options));
}

function isWrite({ service, operation }: SshCommand): boolean {
  return service === "git-receive-pack" || operation === "upload";
}

async function serveAdmitted(
  command: SshCommand,
  access: Access,
  serving: Serving,
  options: ExecuteOptions,
): Promise<void> {
  const repository = await openFor(isWrite(command) ? "git-receive-pack" : command.service, access.view, options.git);
  try {
    await services[command.service](repository, access, { ...serving, request: command }, options);
  } catch (error) {
    // What git complains about is what the client sent; where the repository lies is nobody's business.
    const complaint =
      error instanceof GitError && error.failure === "exit" ? /^fatal: (.*)$/m.exec(error.stderr)?.[1] : "";
    if (!complaint) throw error;
    throw new GatewayError(400, complaint.replaceAll(repository.gitDir, "the repository"));
  }
}

type Service = (
  repository: BackendRepository,
  access: Access,
  serving: Serving & { request: SshCommand },
  options: ExecuteOptions,
) => Promise<void>;

const services: Record<SshService, Service> = {
  "git-upload-pack": (repository, _access, { protocol, signal, stream }, { git: { fetchTimeoutMs } }) =>
    stream.send(
      uploadPackSession(repository, stream.input(maxFetchRequestBytes), {
        protocol,
        signal,
        timeoutMs: fetchTimeoutMs,
      }),
    ),
  "git-upload-archive": (repository, _access, { signal, stream }, { git: { fetchTimeoutMs } }) =>
    stream.send(
      uploadArchiveSession(repository, stream.input(maxArchiveRequestBytes), { signal, timeoutMs: fetchTimeoutMs }),
    ),
  async "git-receive-pack"(repository, access, { signal, stream, correlationId }, { git }) {
    await stream.write(await advertiseReceivePack(repository, { http: false }));
    const input = stream.input(git.limits.maxPackBytes + maxFetchRequestBytes);
    const write = (chunk: Buffer) => stream.write(chunk);
    await servePush(repository, access, { input, write, transport: "ssh", correlationId, signal }, git);
    // Lets go of the channel: while somebody iterates over it, what is left cannot be drained.
    void input.return(undefined).catch(() => undefined);
    await stream.drain();
  },
  async "git-lfs-authenticate"(_repository, _access, { stream, credential, request }, { lfs }) {
    const { namespace, repository, operation = "download" } = request;
    const answer = lfsAuthentication({ namespace, repository, operation, credential }, lfs);
    await stream.write(Buffer.from(`${answer}\n`));
  },
};

const maxArchiveRequestBytes = 64 * 1024;
const maxDrainBytes = 256 * 1024 * 1024;
const maxDrainMs = 30_000;

/** One channel as what Git services read and write, neither faster than the client nor than us. */
class ChannelStream {
  onActivity: () => void = () => undefined;
  readonly #channel: ServerChannel;
  readonly #socket: Socket;
  readonly #signal: AbortSignal;

  constructor(channel: ServerChannel, socket: Socket, signal: AbortSignal) {
    this.#channel = channel;
    this.#socket = socket;
    this.#signal = signal;
  }

  /** What the client sends. It may be left unread. @throws {GatewayError} 413 while reading beyond `maxBytes` */
  async *input(maxBytes: number): AsyncGenerator<Buffer> {
    const iterator = this.#channel.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
    let size = 0;
    try {
      for (;;) {
        const next = await untilAborted(iterator.next(), this.#signal);
        if (next.done) return;
        this.onActivity();
        size += next.value.length;
        if (size > maxBytes) throw new GatewayError(413, `the request is larger than ${maxBytes} bytes`);
        yield next.value;
      }
    } finally {
      // Lets go of the channel, once a read that is under way is over.
      void iterator.return?.();
    }
  }

  /** Resolves when more may be written. The channel's window is the client's to choose, so the socket is waited for as well. */
  async write(chunk: Buffer): Promise<void> {
    this.onActivity();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#channel.write(chunk, (error) => (error ? reject(error) : resolve()));
    await untilAborted(promise, this.#signal);
    while (this.#socket.writableLength > maxUnsentBytes) {
      this.#signal.throwIfAborted();
      await once(this.#socket, "drain", { signal: this.#signal });
    }
  }

  /** Reads and throws away what a client still sends, so that it gets to read its answer; gives up beyond 256 MiB or 30 s. */
  async drain(): Promise<void> {
    let size = 0;
    const channel = this.#channel;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, maxDrainMs);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      channel.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxDrainBytes) done();
      });
      channel.once("end", done).once("close", done);
      this.#signal.addEventListener("abort", done, { once: true });
      if (channel.readableEnded || this.#signal.aborted) done();
      else channel.resume();
    });
  }

  /** Everything git prints, then its end. */
  async send({ stdout, finished }: GitStream): Promise<void> {
    for await (const chunk of stdout as AsyncIterable<Buffer>) await this.write(chunk);
    await finished;
  }
}

/** What `promise` becomes, unless the signal fires first: nothing of a channel that is gone ever settles. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
