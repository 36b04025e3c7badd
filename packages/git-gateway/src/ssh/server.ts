import { createServer, type Server, type Socket } from "node:net";
import ssh2 from "ssh2";
import { SshConnection } from "./connection.ts";
import type { ExecuteOptions } from "./execute.ts";
import { algorithms, defaultSshLimits, type SshLimits } from "./limits.ts";

export interface SshServerOptions extends ExecuteOptions {
  /** Text of the host key's file, as ssh-keygen writes it. */
  hostKey: string;
  limits?: Partial<SshLimits>;
}

export interface SshServer {
  /** Starts listening. Answers the port, which matters when 0 was asked for. */
  listen(address: { host: string; port: number }): Promise<number>;
  /** Stops taking connections and commands, lets those under way finish for `graceMs`, then ends what is left. */
  close(graceMs: number): Promise<void>;
}

/**
 * The gateway's SSH server. Sockets are counted, timed and cut here; ssh2 speaks the protocol on them.
 * @throws Error for a host key that is none
 */
export function createSshServer(options: SshServerOptions): SshServer {
  return new CountingServer(options);
}

class CountingServer implements SshServer {
  readonly #options: SshServerOptions;
  readonly #limits: SshLimits;
  readonly #protocol: ssh2.Server;
  readonly #listener: Server;
  readonly #ending = new AbortController();
  readonly #sockets = new Map<string, Socket>();
  readonly #bySource = new Map<string, number>();
  readonly #unauthenticated = new Set<Socket>();
  readonly #commands = new Set<Promise<void>>();

  constructor(options: SshServerOptions) {
    this.#options = options;
    this.#limits = { ...defaultSshLimits, ...options.limits };
    this.#protocol = new ssh2.Server(
      {
        hostKeys: [options.hostKey],
        ident: "krate",
        algorithms,
        keepaliveInterval: 15_000,
        keepaliveCountMax: 4,
      },
      (connection, { ip, port }) => {
        const socket = this.#sockets.get(`${ip} ${port}`);
        // Closed in the meantime: nothing is left to talk to.
        if (!socket) return void connection.on("error", () => undefined).end();
        new SshConnection(connection, socket, {
          ...options,
          limits: this.#limits,
          ending: this.#ending.signal,
          onAuthenticated: () => this.#unauthenticated.delete(socket),
          onCommand: (running) => {
            this.#commands.add(running);
            void running.finally(() => this.#commands.delete(running));
          },
        });
      },
    );
    this.#listener = createServer({ noDelay: true }, (socket) => this.#take(socket));
  }

  listen({ host, port }: { host: string; port: number }): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#listener.once("error", reject);
      this.#listener.listen(port, host, () => {
        const address = this.#listener.address();
        resolve(typeof address === "object" && address ? address.port : port);
      });
    });
  }

  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    const timer = setTimeout(() => this.#ending.abort(new Error("the server is stopping")), graceMs);
    await Promise.allSettled([...this.#commands]);
    clearTimeout(timer);
    for (const socket of this.#sockets.values()) socket.destroySoon();
    const cut = setTimeout(() => {
      for (const socket of this.#sockets.values()) socket.destroy();
    }, 500);
    await closed;
    clearTimeout(cut);
  }

  #take(socket: Socket): void {
    const source = socket.remoteAddress ?? "";
    const key = `${source} ${socket.remotePort}`;
    const ofSource = this.#bySource.get(source) ?? 0;
    const problem = this.#problem(ofSource);
    if (problem) {
      this.#options.log.warn({ transport: "ssh", source }, problem);
      socket.destroy();
      return;
    }
    this.#sockets.set(key, socket);
    this.#bySource.set(source, ofSource + 1);
    this.#unauthenticated.add(socket);
    const timer = setTimeout(() => {
      if (this.#unauthenticated.has(socket)) socket.destroy();
    }, this.#limits.loginTimeoutMs);
    socket.once("close", () => {
      clearTimeout(timer);
      this.#sockets.delete(key);
      this.#unauthenticated.delete(socket);
      const left = (this.#bySource.get(source) ?? 1) - 1;
      if (left === 0) this.#bySource.delete(source);
      else this.#bySource.set(source, left);
    });
    this.#protocol.injectSocket(socket);
  }

  #problem(ofSource: number): string | undefined {
    const { maxConnections, maxConnectionsPerSource, maxUnauthenticated } = this.#limits;
    if (this.#sockets.size >= maxConnections) return "too many SSH connections";
    if (ofSource >= maxConnectionsPerSource) return "too many SSH connections from one address";
    if (this.#unauthenticated.size >= maxUnauthenticated) return "too many SSH connections that are not signed in";
    return undefined;
  }
}
