/** The embedded Postgres, kept running: when it ends by itself it is started again, as every other program is. */
import { setTimeout as sleep } from "node:timers/promises";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "@krate/postgres/embedded";
import type { SupervisorEvents } from "./supervisor.ts";

export interface Database {
  connection: EmbeddedPostgres["connection"];
  /** Of the server that runs now. */
  pid(): number;
  stop(): Promise<void>;
}

const restartDelayMilliseconds = 200;
const longestDelayMilliseconds = 5000;

export async function startDatabase(dataDir: string, events: SupervisorEvents): Promise<Database> {
  const startedAt = Date.now();
  let current = await startEmbeddedPostgres({ dataDir });
  let stopping = false;
  events.ready("postgres", Date.now() - startedAt);
  const keep = async () => {
    let delay = restartDelayMilliseconds;
    for (;;) {
      await current.exited;
      if (stopping) return;
      events.exited("postgres", "it is gone", delay);
      await sleep(delay);
      if (stopping) return;
      const again = Date.now();
      try {
        current = await startEmbeddedPostgres({ dataDir });
        events.ready("postgres", Date.now() - again);
        delay = restartDelayMilliseconds;
      } catch (error) {
        events.exited("postgres", (error as Error).message, delay);
        delay = Math.min(delay * 2, longestDelayMilliseconds);
      }
    }
  };
  void keep();
  return {
    connection: current.connection,
    pid: () => current.pid,
    stop: () => {
      stopping = true;
      return current.stop();
    },
  };
}
