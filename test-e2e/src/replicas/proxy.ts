/** A TCP proxy that a test can break: what stands between a program and its database when the network fails. */
import { type AddressInfo, createConnection, createServer, type NetConnectOpts, type Socket } from "node:net";

/**
 * - `open`: everything passes
 * - `cut`: connections end at once, new ones too
 * - `silent`: nothing passes, connections stay open and new ones are accepted (a partition: packets are dropped)
 * - `mute`: what the client says arrives, what the server answers does not
 * - `forgotten`: connections made before stay open and silent for ever, new ones work (a firewall that lost its table)
 */
export type NetworkMode = "open" | "cut" | "silent" | "mute" | "forgotten";

export interface NetworkProxy {
  readonly port: number;
  /** After `silent` or `mute` what was held back is delivered late when the mode is `open` again, as TCP does. */
  set(mode: NetworkMode): void;
  close(): Promise<void>;
}

interface Pair {
  client: Socket;
  server: Socket;
  forgotten: boolean;
}

/** Listens on a free port of 127.0.0.1 and connects to `target`. */
export async function startProxy(target: NetConnectOpts): Promise<NetworkProxy> {
  const pairs = new Set<Pair>();
  let mode: NetworkMode = "open";

  const listener = createServer((client) => {
    if (mode === "cut") {
      client.on("error", () => {}).destroy();
      return;
    }
    const pair: Pair = { client, server: createConnection(target), forgotten: false };
    pairs.add(pair);
    join(pair, () => pairs.delete(pair));
    apply(pair, mode);
  });
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(0, "127.0.0.1", resolve);
  });

  return {
    port: (listener.address() as AddressInfo).port,
    set(next) {
      mode = next;
      for (const pair of pairs) {
        if (next === "forgotten") pair.forgotten = true;
        apply(pair, next);
      }
    },
    async close() {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      for (const pair of pairs) destroy(pair);
      await closed;
    },
  };
}

/** Copies both ways; when one side ends or breaks, so does the other, unless the network is to hide that. */
function join(pair: Pair, gone: () => void): void {
  const { client, server } = pair;
  const end = () => {
    gone();
    destroy(pair);
  };
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.setNoDelay(true);
    from.on("data", (chunk) => {
      if (!to.write(chunk)) from.pause();
    });
    to.on("drain", () => {
      if (!heldBack.has(from)) from.resume();
    });
    from.on("error", () => {}); // "close" follows
    from.on("close", end);
  }
}

/** Sockets that are not read: what they say waits in the kernel, as it would on a wire that drops packets. */
const heldBack = new WeakSet<Socket>();

function apply(pair: Pair, mode: NetworkMode): void {
  if (mode === "cut") {
    destroy(pair);
    return;
  }
  const silent = pair.forgotten || mode === "silent";
  hold(pair.client, silent);
  hold(pair.server, silent || mode === "mute");
}

function hold(socket: Socket, held: boolean): void {
  if (held) heldBack.add(socket);
  else heldBack.delete(socket);
  if (held) socket.pause();
  else socket.resume();
}

/** Not `resetAndDestroy`: after a half-closed connection libuv never ends such a handle, and the process hangs in its exit. */
function destroy({ client, server }: Pair): void {
  client.destroy();
  server.destroy();
}
