import pg from "pg";
import { clientConfig, type PostgresConnection } from "./connection.ts";
import { type Log, silentLog } from "./log.ts";

export interface NudgeOptions {
  connection: PostgresConnection;
  /** The channel: an SQL identifier. */
  channel: string;
  applicationName: string;
  /** Called on each nudge of another session, and once after every (re)connect, when nudges may have been missed. */
  onNudge: () => void;
  log?: Log;
}

/** How often it makes sure that its session is there; a network that lost it tells nobody. */
const heartbeatMilliseconds = 15_000;
/** A session that takes longer to answer is given up for a new one. */
const answerMilliseconds = 5_000;
const firstDelayMilliseconds = 50;
const lastDelayMilliseconds = 2_000;

/**
 * "There is news": LISTEN and NOTIFY without payload on a connection of its own, outside every write transaction
 * (NOTIFY inside one takes a global lock at commit and costs 3–8 times the throughput).
 *
 * States: connecting → listening → (connection ends) → waiting → connecting …, until `close`. `send` while not listening is
 * dropped: whoever connects later reads everything anyway. Sends are coalesced: one is under way, at most one waits.
 */
export class Nudge {
  readonly #options: NudgeOptions;
  readonly #log: Log;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #delayMilliseconds = firstDelayMilliseconds;
  #sending = false;
  #sendAgain = false;
  #closed = false;

  constructor(options: NudgeOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLog;
  }

  /** Resolves when listening for the first time, rejects when that fails; later losses are mended in the background. */
  async start(): Promise<void> {
    await this.#connect();
    this.#heartbeat = setInterval(() => void this.#ask("select 1"), heartbeatMilliseconds).unref();
  }

  get listening(): boolean {
    return this.#client !== undefined;
  }

  async #connect(): Promise<void> {
    const { connection, applicationName, channel, onNudge } = this.#options;
    const client = new pg.Client(clientConfig(connection, { applicationName }));
    client.on("error", (error) => this.#log.warn({ err: error, channel }, "the nudge connection failed"));
    client.on("notification", (notification) => {
      if (notification.processId !== (client as unknown as { processID: number }).processID) onNudge();
    });
    try {
      await client.connect();
      await client.query(`listen ${channel}`);
    } catch (error) {
      await client.end().catch(() => undefined); // it never was up; the error below is the one to tell
      throw error;
    }
    client.once("end", () => this.#lost(client));
    if (this.#closed) {
      await client.end();
      return;
    }
    this.#client = client;
    this.#delayMilliseconds = firstDelayMilliseconds;
    onNudge();
  }

  #lost(client: pg.Client): void {
    if (this.#client === client) this.#client = undefined;
    this.#reconnectLater();
  }

  #reconnectLater(): void {
    if (this.#closed) return;
    const jitter = 0.5 + Math.random() / 2;
    this.#timer = setTimeout(() => {
      this.#connect().catch((error: unknown) => {
        this.#log.warn({ err: error, channel: this.#options.channel }, "the nudge connection is still down");
        this.#reconnectLater();
      });
    }, this.#delayMilliseconds * jitter);
    this.#delayMilliseconds = Math.min(this.#delayMilliseconds * 2, lastDelayMilliseconds);
  }

  /** Wakes the other listeners, soon. */
  send(): void {
    if (this.#sending) {
      this.#sendAgain = true;
      return;
    }
    void this.#sendNow();
  }

  async #sendNow(): Promise<void> {
    this.#sending = true;
    do {
      this.#sendAgain = false;
      await this.#ask(`notify ${this.#options.channel}`);
    } while (this.#sendAgain);
    this.#sending = false;
  }

  /** Never throws: a session that does not answer is ended, which brings a new one. */
  async #ask(text: string): Promise<void> {
    const client = this.#client;
    try {
      await client?.query({ text, query_timeout: answerMilliseconds } as pg.QueryConfig);
    } catch (error) {
      this.#log.debug({ err: error, channel: this.#options.channel }, "the nudge session did not answer");
      await client?.end().catch(() => undefined); // whatever is left of it
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#heartbeat);
    const client = this.#client;
    this.#client = undefined;
    await client?.end();
  }
}
