/**
 * A gateway that kills itself (SIGKILL) right after one named step of a push: `node crashing-gateway.ts <root> <events file> <step>`.
 * Prints its port. Events are kept in a file, as an API server outside would keep them.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { NativeGitBackend } from "@krate/git";
import { createLogger } from "@krate/telemetry";
import { ContentApi } from "../content/serve.ts";
import { createGatewayServer } from "../http/server.ts";
import type { GitEventLog, GitEventRecord } from "../ports.ts";
import { RequestLimits } from "../services/request-limits.ts";
import { SharedFetches } from "../upload-pack/shared-fetches.ts";
import { MemoryCluster } from "./memory-ports.ts";

/** Events in a file, one per line, at most once by name. */
export function fileEventLog(path: string): GitEventLog & { read(): GitEventRecord[] } {
  const read = () =>
    existsSync(path)
      ? readFileSync(path, "utf8")
          .split("\n")
          .filter(Boolean)
          .map((line) => JSON.parse(line) as GitEventRecord)
      : [];
  return {
    read,
    async append(records) {
      const known = new Set(read().map(({ name }) => name));
      for (const record of records) if (!known.has(record.name)) appendFileSync(path, `${JSON.stringify(record)}\n`);
    },
  };
}

if (import.meta.main) {
  const [root = "", eventsFile = "", fatalStep = ""] = process.argv.slice(2);
  const cluster = new MemoryCluster();
  cluster.addUser("alice-token", "alice");
  cluster.addRepository({ namespace: "acme", name: "shop" });
  cluster.grant("alice", "get", "content", "acme", "shop");
  cluster.grant("alice", "update", "content", "acme", "shop");
  const backend = new NativeGitBackend({ root });
  const server = createGatewayServer({
    access: cluster.access,
    git: {
      backend,
      authorizer: cluster.access.authorizer,
      receivePack: {
        policies: cluster.policies,
        signatures: cluster.signatures,
        events: fileEventLog(eventsFile),
        now: () => new Date(),
        checkpoint: async (step) => {
          if (step === fatalStep) process.kill(process.pid, "SIGKILL");
        },
      },
      limits: { maxPackBytes: 10_000_000, maxObjectBytes: 10_000_000, packTimeoutMs: 60_000, maxRefs: 100_000 },
      requestLimits: new RequestLimits(),
      fetches: new SharedFetches(),
      fetchTimeoutMs: 60_000,
      mergeIdentity: "nobody",
    },
    content: new ContentApi({
      backend,
      signatures: cluster.signatures,
      onProblem: (message) => process.stderr.write(`${message}\n`),
    }),
    log: createLogger({ component: "crashing-gateway", level: "fatal" }),
  });
  process.stdout.write(`${await server.listen({ host: "127.0.0.1", port: 0 })}\n`);
}
