import { setTimeout as delay } from "node:timers/promises";
import { ApiError, GitEvent, isReason, type StatusReason } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import { EventsNotWrittenError, type GitEventLog, type GitEventRecord } from "../ports.ts";

/** Creates under way at once: the API server commits them together. */
const concurrency = 32;
/** Tries of one record, with 100, 200, 400 ms between, before the push goes on without it (its journal keeps it). */
const maxTries = 4;
/** Answers that will be the same next time. */
const permanentReasons: readonly StatusReason[] = [
  "BadRequest",
  "Unauthorized",
  "Forbidden",
  "NotFound",
  "MethodNotAllowed",
  "Invalid",
  "RequestEntityTooLarge",
];

/** GitEvents as objects. Their names are deterministic, so creating one twice is AlreadyExists, which is success. */
export function kubeEventLog(client: KubeClient): GitEventLog {
  return {
    async append(records) {
      let written = 0;
      const failures: Error[] = [];
      const queue = [...records];
      const worker = async () => {
        for (let record = queue.shift(); record && failures.length === 0; record = queue.shift()) {
          try {
            await create(record, client);
            written++;
          } catch (error) {
            failures.push(error instanceof Error ? error : new Error(String(error)));
          }
        }
      };
      await Promise.all(Array.from({ length: Math.min(concurrency, records.length) }, worker));
      const [failure] = failures;
      if (failure === undefined) return;
      if (written === 0 && failures.every(isPermanent)) {
        throw new EventsNotWrittenError(failure.message, { permanent: true, cause: failure });
      }
      throw failure;
    },
  };
}

async function create({ namespace, name, spec }: GitEventRecord, client: KubeClient): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await client.create(GitEvent, { metadata: { namespace, name }, spec }, { timeoutSeconds: 5 });
      return;
    } catch (error) {
      if (isReason(error, "AlreadyExists")) return;
      if (isPermanent(error) || tries === maxTries) throw error;
      await delay(100 * 2 ** (tries - 1));
    }
  }
}

function isPermanent(error: unknown): boolean {
  return error instanceof ApiError && permanentReasons.includes(error.reason);
}
