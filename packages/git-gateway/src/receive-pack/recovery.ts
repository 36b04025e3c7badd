import { setTimeout as delay } from "node:timers/promises";
import type { BackendRepository, GitBackend } from "@krate/git";
import type { Logger } from "@krate/telemetry";
import { readJournal } from "./journal.ts";
import { type LandingPorts, replayJournal } from "./land.ts";
import { sweepQuarantines } from "./quarantine.ts";

export interface RecoveryPorts extends LandingPorts {
  backend: GitBackend;
  log: Logger;
  onReplayed?(count: number): void;
}

/** How often pushes whose events could not be written yet are tried again, in milliseconds. */
const retryEveryMs = 2_000;

/**
 * Finishes what an earlier run left: every journaled push is replayed, every quarantine of a dead process removed. A repository
 * that cannot be finished now (the API server is away) is kept in mind and tried again; nothing else waits for it.
 */
export class Recovery {
  readonly #ports: RecoveryPorts;
  readonly #pending = new Map<string, BackendRepository>();

  constructor(ports: RecoveryPorts) {
    this.#ports = ports;
  }

  /** Looks through all repositories once. */
  async start(signal: AbortSignal): Promise<void> {
    for (const identity of await this.#ports.backend.list()) {
      if (signal.aborted) return;
      try {
        await this.#recover(await this.#ports.backend.open(identity));
      } catch (error) {
        this.#ports.log.error(
          { err: error, namespace: identity.namespace, repository: identity.name },
          "a repository could not be recovered",
        );
      }
    }
  }

  /** Remembers a repository whose journal holds events that are still to be written. */
  add(repository: BackendRepository): void {
    this.#pending.set(repository.gitDir, repository);
  }

  /** Tries the remembered repositories again and again until the signal fires. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(retryEveryMs, undefined, { signal }).catch(() => undefined);
      for (const [gitDir, repository] of [...this.#pending]) {
        if (signal.aborted) return;
        this.#pending.delete(gitDir);
        await this.#recover(repository);
      }
    }
  }

  async #recover(repository: BackendRepository): Promise<void> {
    const { namespace, name } = repository.identity;
    const log = this.#ports.log.child({ namespace, repository: name });
    try {
      const finished = await replayJournal(repository, this.#ports);
      if (finished > 0) {
        log.info({ pushes: finished }, "unfinished pushes were completed from the journal");
        this.#ports.onReplayed?.(finished);
      }
    } catch (error) {
      log.warn({ err: error }, "unfinished pushes wait for the API server");
      this.add(repository);
    }
    const kept = new Set((await readJournal(repository)).map(({ pushId }) => pushId));
    const removed = await sweepQuarantines(repository, kept);
    if (removed > 0) log.info({ removed }, "interrupted uploads were removed");
  }
}
