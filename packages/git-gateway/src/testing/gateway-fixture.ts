import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type GitBackend, NativeGitBackend } from "@krate/git";
import { createLogger } from "@krate/telemetry";
import { ContentApi } from "../content/serve.ts";
import { createGatewayServer, type GatewayServer } from "../http/server.ts";
import type { LfsOptions } from "../lfs/call.ts";
import type { LfsLimits } from "../lfs/protocol.ts";
import { type LfsBuckets, LfsStores } from "../lfs/stores.ts";
import type { RepositoryView } from "../ports.ts";
import type { PackLimits } from "../receive-pack/quarantine.ts";
import type { PushSummary } from "../receive-pack/receive-pack.ts";
import type { GitServiceOptions } from "../services/git-services.ts";
import { RequestLimits, type RequestLimitsOptions } from "../services/request-limits.ts";
import { SharedFetches } from "../upload-pack/shared-fetches.ts";
import { MemoryCluster } from "./memory-ports.ts";

export interface GitOutcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** A gateway on a free port with the real git behind and in front of it, in a folder of its own. */
export class GatewayFixture {
  readonly cluster = new MemoryCluster();
  readonly pushes: PushSummary[] = [];
  /** Status of every request that is over. */
  readonly requests: number[] = [];
  /** How fetches over HTTP came by their answers. */
  readonly fetches: string[] = [];
  /** Errors of pushes that nobody foresaw. */
  readonly failures: unknown[] = [];
  readonly folder: string;
  readonly backend: GitBackend;
  /** How Git is served, for further ways to reach it. */
  readonly services: GitServiceOptions;
  readonly content: ContentApi;
  /** How large files are served; read anew for every request. */
  readonly lfs: LfsOptions;
  readonly #server: GatewayServer;
  #port = 0;

  private constructor(
    folder: string,
    limits: Partial<PackLimits>,
    requestLimits: Partial<RequestLimitsOptions>,
    { buckets, ...lfsLimits }: Partial<LfsLimits> & { buckets?: LfsBuckets },
    backend: GitBackend = new NativeGitBackend({ root: join(folder, "repositories") }),
  ) {
    this.folder = folder;
    this.backend = backend;
    this.services = {
      backend: this.backend,
      authorizer: this.cluster.access.authorizer,
      receivePack: {
        policies: {
          evaluate: (push) => this.cluster.policies.evaluate(push),
          afterwards: (push) => this.cluster.policies.afterwards(push),
        },
        signatures: { verify: (namespace, signed) => this.cluster.signatures.verify(namespace, signed) },
        events: this.cluster.eventLog,
        now: () => new Date(),
        onFailure: (error) => this.failures.push(error),
      },
      limits: {
        maxPackBytes: 100_000_000,
        maxObjectBytes: 50_000_000,
        packTimeoutMs: 60_000,
        maxRefs: 100_000,
        ...limits,
      },
      requestLimits: new RequestLimits(requestLimits),
      fetches: new SharedFetches({ maxHeadBytes: 1_000_000, onFetch: (how) => this.fetches.push(how) }),
      fetchTimeoutMs: 60_000,
      mergeIdentity: "system:serviceaccount:krate-system:repository-operator",
      onPush: (summary) => this.pushes.push(summary),
    };
    this.lfs = {
      stores: new LfsStores(buckets),
      limits: { maxObjectBytes: 1_000_000_000, maxBatchObjects: 1000, maxBatchBytes: 4_000_000_000, ...lfsLimits },
      publicUrl: () => this.origin,
    };
    this.content = new ContentApi({
      backend: this.backend,
      signatures: this.services.receivePack.signatures,
      onProblem: (_, error) => this.failures.push(error),
    });
    this.#server = createGatewayServer({
      access: this.cluster.access,
      git: this.services,
      lfs: this.lfs,
      content: this.content,
      log: createLogger({ component: "git-gateway-test", level: "fatal" }),
      onRequest: ({ status }) => this.requests.push(status),
    });
  }

  static async start(
    limits: Partial<PackLimits> = {},
    requestLimits: Partial<RequestLimitsOptions> = {},
    lfs: Partial<LfsLimits> & { buckets?: LfsBuckets } = {},
    backend?: GitBackend,
  ): Promise<GatewayFixture> {
    const folder = await mkdtemp(join(tmpdir(), "krate-gateway-"));
    const fixture = new GatewayFixture(folder, limits, requestLimits, lfs, backend);
    fixture.#port = await fixture.#server.listen({ host: "127.0.0.1", port: 0 });
    fixture.cluster.addUser("alice-token", "alice");
    return fixture;
  }

  /** Resolves when no request is under way. */
  idle(): Promise<void> {
    return this.#server.idle();
  }

  async stop(): Promise<void> {
    await this.#server.close(2_000);
    this.content.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Creates a repository that alice may read and write. */
  async createRepository(name: string, view: Partial<RepositoryView> = {}): Promise<string> {
    const record = this.cluster.addRepository({ ...view, namespace: "acme", name });
    this.cluster.grant("alice", "get", "content", "acme", name);
    this.cluster.grant("alice", "update", "content", "acme", name);
    await this.backend.ensure({ namespace: "acme", name, uid: record.uid });
    return this.backend.gitDir({ namespace: "acme", name });
  }

  /** The URL a client uses, with the token in it as git's credential helper would give it. */
  url(name: string, token: string | null = "alice-token"): string {
    const credential = token === null ? "" : `any:${token}@`;
    return `http://${credential}127.0.0.1:${this.#port}/acme/${name}.git`;
  }

  get(path: string, token: string | null = "alice-token"): Promise<Response> {
    return fetch(`${this.origin}${path}`, { headers: token === null ? {} : { authorization: `Bearer ${token}` } });
  }

  /** Runs the git client; never throws for an exit code. */
  git(args: string[], cwd = this.folder): Promise<GitOutcome> {
    return git(args, cwd);
  }

  /** A clone with one commit on main, not pushed. */
  async workTree(name: string, from: string): Promise<string> {
    const path = join(this.folder, name);
    await ok(this.git(["init", "-q", "-b", "main", path]));
    await ok(this.git(["remote", "add", "origin", this.url(from)], path));
    await this.commit(path, "README.md", "hello\n", "first");
    return path;
  }

  async commit(path: string, file: string, content: string, message: string): Promise<string> {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, file), content);
    await ok(this.git(["add", "-A"], path));
    await ok(this.git(["commit", "-q", "-m", message], path));
    return (await ok(this.git(["rev-parse", "HEAD"], path))).stdout.trim();
  }
}

/** Runs git as a user would, with nothing of this machine's configuration. */
export function git(args: string[], cwd: string, more: NodeJS.ProcessEnv = {}): Promise<GitOutcome> {
  const env = {
    ...more,
    PATH: process.env.PATH,
    HOME: "/nonexistent",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: "Alice",
    GIT_AUTHOR_EMAIL: "alice@example.org",
    GIT_COMMITTER_NAME: "Alice",
    GIT_COMMITTER_EMAIL: "alice@example.org",
    LC_ALL: "C",
  };
  return new Promise((resolve) => {
    execFile("git", args, { cwd, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

/** The outcome, or an error with what git complained about. */
export async function ok(outcome: Promise<GitOutcome>): Promise<GitOutcome> {
  const result = await outcome;
  if (result.code !== 0) throw new Error(`git failed with ${result.code}: ${result.stderr}`);
  return result;
}
