/** The other end of a `ThreadPool`: answers one job after another. */
import { parentPort } from "node:worker_threads";
import type { JobAnswer, JobMessage } from "./thread-pool.ts";

export function serveJobs(handle: (request: unknown, isCancelled: () => boolean) => unknown): void {
  if (!parentPort) throw new Error("this file runs in a thread");
  const port = parentPort;
  port.on("message", async ({ request, cancelled }: JobMessage) => {
    let reply: JobAnswer;
    try {
      reply = { answer: await handle(request, () => Atomics.load(cancelled, 0) === 1) };
    } catch (error) {
      const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
      reply = { error: { name, message } };
    }
    port.postMessage(reply);
  });
}
