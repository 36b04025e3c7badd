/** One write, many watchers: how long until the last of them has the event. Beside a CRD on kube-apiserver + etcd. */
import { create, seed } from "../apiserver/measuring.ts";
import { type ServerUnderTest, startAnchor, startKrate } from "../apiserver/servers.ts";
import { Connection } from "../http2-connection.ts";
import { type Measurement, median, type Suite, type SuiteOptions } from "../suite.ts";

/** As many as one connection of client-go may have at kube-apiserver. */
const watchersPerConnection = 100;
const newline = 0x0a;
const openTimeoutMilliseconds = 60_000;

/** Watchers of one server, each on a stream of its own. */
class Watchers {
  readonly #connections: readonly Connection[];
  /** Events seen by each watcher. */
  readonly #seen: number[];
  #behind = 0;
  #wanted = 0;
  #served: () => void = () => {};

  private constructor(connections: readonly Connection[], count: number) {
    this.#connections = connections;
    this.#seen = new Array(count).fill(0);
  }

  static async open(server: ServerUnderTest, count: number): Promise<Watchers> {
    const needed = Math.ceil(count / watchersPerConnection);
    const connections = await Promise.all(Array.from({ length: needed }, () => Connection.open(server.target)));
    const watchers = new Watchers(connections, count);
    const path = `${server.collection}?watch=true&resourceVersion=${await newest(server, connections[0] as Connection)}`;
    for (let watcher = 0; watcher < count; watcher++) {
      const connection = connections[watcher % needed] as Connection;
      const onData = (piece: Buffer) => watchers.#received(watcher, piece);
      connection.send({ method: "GET", path }, { onData }).catch(() => undefined); // ends with the connection; a watcher that is missing is noticed by `served`
    }
    return watchers;
  }

  /** Resolves when every watcher has seen one more event than before. */
  served(): Promise<void> {
    this.#wanted++;
    this.#behind = this.#seen.length;
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`${this.#behind} of ${this.#seen.length} watchers have not seen an event`)),
        openTimeoutMilliseconds,
      );
      this.#served = () => {
        clearTimeout(late);
        resolve();
      };
    });
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  #received(watcher: number, piece: Buffer): void {
    if (piece[piece.length - 1] !== newline) return; // an event is a line; the rest of it is still to come
    const seen = (this.#seen[watcher] ?? 0) + 1;
    this.#seen[watcher] = seen;
    if (seen === this.#wanted && --this.#behind === 0) this.#served();
  }
}

async function newest({ collection }: ServerUnderTest, connection: Connection): Promise<string> {
  const { text } = await connection.send({ method: "GET", path: `${collection}?limit=1` }, { keep: true });
  return (JSON.parse(text) as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
}

/** Milliseconds from sending each write to the last watcher's last byte. */
export async function latencies(server: ServerUnderTest, watchers: number, writes: number): Promise<number[]> {
  const all = await Watchers.open(server, watchers);
  const writer = await Connection.open(server.target);
  const times: number[] = [];
  try {
    // The first write finds them all open.
    for (let number = -2; number < writes; number++) {
      const served = all.served();
      const startedAt = performance.now();
      const [answer] = await Promise.all([
        writer.send(create(server, `watched-${watchers}-${Date.now()}-${number + 2}`)),
        served,
      ]);
      if (answer.status >= 300) throw new Error(`the write was refused: ${answer.status} ${answer.text}`);
      if (number >= 0) times.push(performance.now() - startedAt);
    }
  } finally {
    all.close();
    writer.close();
  }
  return times;
}

async function run({ quick, progress }: SuiteOptions): Promise<Measurement[]> {
  const watchers = quick ? 50 : 1_000;
  const [rounds, writes] = quick ? [1, 5] : [3, 30];
  progress("starting kube-apiserver + etcd and krate-apiserver + Postgres, both with fsync");
  const anchor = await startAnchor();
  try {
    const krate = await startKrate();
    try {
      await seed([krate, anchor], 10, progress);
      const times = { krate: [] as number[], anchor: [] as number[] };
      for (let round = 0; round < rounds; round++) {
        for (const [side, server] of [
          ["krate", krate],
          ["anchor", anchor],
        ] as const) {
          progress(`${server.name}: ${writes} writes to ${watchers} watchers`);
          times[side].push(...(await latencies(server, watchers, writes)));
        }
      }
      return rowsOf(times, watchers, anchor.name);
    } finally {
      await krate.stop();
    }
  } finally {
    await anchor.stop();
  }
}

function rowsOf(times: { krate: number[]; anchor: number[] }, watchers: number, anchorName: string): Measurement[] {
  const slowest = (of: number[]) => [...of].sort((a, b) => a - b)[Math.floor(of.length * 0.9)] ?? 0;
  const common = { unit: "ms", anchorName, smallerIsBetter: true };
  return [
    {
      ...common,
      name: `write to the last of ${watchers} watchers, median`,
      krate: median(times.krate),
      anchor: median(times.anchor),
      target: 5,
    },
    {
      ...common,
      name: `write to the last of ${watchers} watchers, p90`,
      krate: slowest(times.krate),
      anchor: slowest(times.anchor),
      target: 5,
    },
  ];
}

export const watchSuite: Suite = {
  name: "watch",
  about: "one write to 1,000 watchers, the last one served, beside a CRD on kube-apiserver + etcd",
  run,
};
