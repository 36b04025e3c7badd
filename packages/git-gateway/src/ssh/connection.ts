import type { Socket } from "node:net";
import type { Logger } from "@krate/telemetry";
import type { AuthContext, Connection, ServerChannel, Session } from "ssh2";
import { type CredentialPorts, credentialOf, describeCredential, type SshCredential } from "./credential.ts";
import { type ExecuteOptions, execute } from "./execute.ts";
import { maxAbusedBytes, maxUnreadBytes, type SshLimits } from "./limits.ts";

export interface ConnectionOptions extends ExecuteOptions {
  limits: SshLimits;
  /** Fires when the server must end. */
  ending: AbortSignal;
  onAuthenticated(): void;
  /** Hears of every command while it runs. */
  onCommand(running: Promise<void>): void;
}

const protocolVariable = "GIT_PROTOCOL";
const maxVariableLength = 64;
/** Time for an answer to reach the client before its connection is cut. */
const farewellMs = 2_000;

/**
 * One client: proves who it is by a key or a certificate, then runs commands, several at once if it likes. Everything else SSH
 * can do is refused, mostly by ssh2, which refuses whatever nobody listens for.
 */
export class SshConnection {
  readonly #connection: Connection;
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #log: Logger;
  readonly #gone = new AbortController();
  readonly #channels = new Set<ServerChannel>();
  #credential: SshCredential | undefined;
  #tries = 0;
  #sessions = 0;
  /** Runs while no command does; until the client is authenticated the server's own timer runs. */
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection, socket: Socket, options: ConnectionOptions) {
    this.#connection = connection;
    this.#socket = socket;
    this.#options = options;
    this.#log = options.log.child({ transport: "ssh", source: socket.remoteAddress });
    connection.on("error", (error: Error) => {
      this.#log.debug({ err: error }, "an SSH connection failed");
      this.#leave();
    });
    connection.on("authentication", (context) => this.#authenticate(context));
    connection.once("ready", () => this.#ready());
    connection.on("session", (accept, reject) => this.#open(accept, reject));
    socket.on("data", () => this.#requireManners());
    socket.once("close", () => {
      clearTimeout(this.#timer);
      this.#gone.abort(new Error("the client closed the connection"));
    });
  }

  /** Says good-bye, and cuts the connection of whoever does not listen. */
  #leave(): void {
    this.#connection.end();
    setTimeout(() => this.#socket.destroy(), farewellMs).unref();
  }

  #authenticate(context: AuthContext): void {
    if (context.method !== "publickey") {
      context.reject(["publickey"]);
      return;
    }
    if (++this.#tries > this.#options.limits.maxAuthTries) {
      this.#log.info("too many keys were offered");
      this.#leave();
      return;
    }
    const { username, key, signature, blob, hashAlgo } = context;
    try {
      const ports: CredentialPorts = this.#options.credentials;
      const credential = credentialOf({ username, key, signature, blob, hashAlgo }, ports);
      if (signature) this.#credential = credential;
      context.accept();
    } catch (error) {
      this.#log.info({ reason: error instanceof Error ? error.message : String(error) }, "a key was refused");
      context.reject(["publickey"]);
    }
  }

  #ready(): void {
    this.#options.onAuthenticated();
    if (this.#credential) this.#log.debug(describeCredential(this.#credential), "authenticated");
    this.#waitForCommand();
  }

  #waitForCommand(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#leave(), this.#options.limits.idleTimeoutMs);
  }

  #open(accept: () => Session, reject: () => void): void {
    const { maxChannels, maxSessions } = this.#options.limits;
    if (++this.#sessions > maxSessions) {
      this.#leave();
      return;
    }
    if (this.#channels.size >= maxChannels || this.#options.ending.aborted) {
      reject();
      return;
    }
    const session = accept();
    const closed = new AbortController();
    let protocol: string | undefined;
    session.once("close", () => closed.abort(new Error("the client closed the channel")));
    session.on("env", (acceptVariable, rejectVariable, { key, val }) => {
      if (key !== protocolVariable || val.length > maxVariableLength) {
        rejectVariable?.();
        return;
      }
      protocol = val;
      acceptVariable?.();
    });
    session.on("shell", (acceptShell) => this.#refuseShell(acceptShell()));
    session.on("exec", (acceptCommand, rejectCommand, { command }) => {
      // Checked again: many sessions may be opened before the first command.
      if (this.#channels.size >= maxChannels) rejectCommand?.();
      else this.#run(acceptCommand(), { command, protocol, signal: closed.signal });
    });
  }

  #run(
    channel: ServerChannel,
    { command, protocol, signal }: { command: string; protocol: string | undefined; signal: AbortSignal },
  ): void {
    const credential = this.#credential;
    if (!credential) {
      this.#socket.destroy();
      return;
    }
    channel.on("error", (error: Error) => this.#log.debug({ err: error }, "a channel failed"));
    this.#channels.add(channel);
    clearTimeout(this.#timer);
    const running = execute(
      {
        command,
        protocol,
        credential,
        channel,
        socket: this.#socket,
        silenceTimeoutMs: this.#options.limits.silenceTimeoutMs,
        signal: AbortSignal.any([this.#gone.signal, signal, this.#options.ending]),
      },
      this.#options,
    ).finally(() => {
      this.#channels.delete(channel);
      if (this.#channels.size === 0 && !this.#gone.signal.aborted) this.#waitForCommand();
    });
    this.#options.onCommand(running);
  }

  #refuseShell(channel: ServerChannel): void {
    const who = this.#credential?.kind === "certificate" ? ` as ${this.#credential.content.user}` : "";
    channel.stderr.write(
      `krate: you are signed in${who}, but there is no shell here: use git clone, fetch and push.\n`,
    );
    channel.exit(1);
    channel.end();
  }

  /** A client that ignores its window, or asks without reading the answers, would make us hold its bytes. */
  #requireManners(): void {
    const unread = [...this.#channels].some((channel) => channel.readableLength > maxUnreadBytes);
    if (!unread && this.#socket.writableLength <= maxAbusedBytes) return;
    this.#log.warn("a client ignores the limits of the protocol; its connection is cut");
    this.#socket.destroy();
  }
}
