/** The servers of the suites, started for them and gone with them. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { crdOf } from "@krate/codegen";
import { allKinds, configGroup, Repository, recordGroup, version } from "@krate/kinds";
import { certificateAuthority, ensureUsers, issueCertificate, parseTokenFile, signingKeyFiles } from "@krate/pki";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "@krate/postgres/embedded";
import { type ControlPlane, freePort, startControlPlane } from "@krate/testing/control-plane";
import type { RequestPlan, Target } from "../http2-connection.ts";
import { sendAll } from "../load.ts";
import { anchorDefinition, anchorGroup, collectionOf, namespace, repository } from "./objects.ts";

/** What a suite loads: a server, and the group of its pull requests there. */
export interface ServerUnderTest {
  name: string;
  target: Target;
  group: string;
  collection: string;
  /** Of the server and its database; their children count, too. */
  pids(): readonly number[];
  stop(): Promise<void>;
}

/** Krate's server over its own Postgres. */
export interface KrateServer extends ServerUnderTest {
  postgres: EmbeddedPostgres;
  /** Ends the server, not the database, and starts it again after `between`. */
  restart(between: () => Promise<void>): Promise<void>;
}

const checkout = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const startTimeoutMilliseconds = 60_000;
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const crdPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

export function adminToken(file: string): string {
  const admin = parseTokenFile(readFileSync(file, "utf8")).find(({ user }) => user === "admin");
  if (!admin) throw new Error(`${file} has no user admin`);
  return admin.token;
}

/** Repeats until the server takes them all: it may not listen yet, and a new CRD is not served at once. */
export async function untilAccepted(target: Target, plans: RequestPlan[]): Promise<void> {
  const deadline = Date.now() + startTimeoutMilliseconds;
  for (;;) {
    try {
      return await sendAll(target, plans, 1);
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

const createNamespace: RequestPlan = {
  method: "POST",
  path: "/api/v1/namespaces",
  body: json({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: namespace, labels: { "krate.a5c.ai/org": "bench" } },
  }),
};
const createDefinition = (definition: unknown): RequestPlan => ({
  method: "POST",
  path: crdPath,
  body: json(definition),
});
const createRepository: RequestPlan = {
  method: "POST",
  path: `/apis/${configGroup}/${version}/namespaces/${namespace}/${Repository.plural}`,
  body: json({
    apiVersion: `${configGroup}/${version}`,
    kind: Repository.kind,
    metadata: { name: repository, namespace },
    spec: { organizationRef: "bench" },
  }),
};

/** kube-apiserver and etcd as in production (fsync), with PullRequest as a CRD: same schema, same rules. */
export async function startAnchor(): Promise<ServerUnderTest & { controlPlane: ControlPlane }> {
  const controlPlane = await startControlPlane({ fsync: true });
  const { url, caFile, dataFolder, pids } = controlPlane.info;
  const target = { url, ca: readFileSync(caFile), token: adminToken(join(dataFolder, "users.csv")) };
  const collection = collectionOf(anchorGroup);
  await sendAll(target, [createNamespace, createDefinition(anchorDefinition())], 1);
  await untilAccepted(target, [{ method: "GET", path: collection }]);
  return {
    name: "CRD + etcd",
    target,
    group: anchorGroup,
    collection,
    controlPlane,
    pids: () => [pids["kube-apiserver"], pids["etcd"]].filter((pid) => pid !== undefined),
    stop: () => controlPlane.stop(),
  };
}

interface Installed {
  folder: string;
  port: number;
  url: string;
  authority: { certFile: string };
  postgres: EmbeddedPostgres;
  environment: Record<string, string>;
}

/** A database and certificates; everything the server's environment says in either mode. */
async function install(mode: "standalone" | "aggregated"): Promise<Installed> {
  const folder = mkdtempSync(join(tmpdir(), "krate-bench-"));
  const at = (name: string) => join(folder, name);
  const postgres = await startEmbeddedPostgres({ dataDir: at("postgres") });
  const authority = await certificateAuthority(at("ca"), "krate-bench-ca");
  const hosts = ["127.0.0.1", "localhost", "krate-apiserver.krate-system.svc"];
  const serving = await issueCertificate(authority, at("apiserver"), { name: "apiserver", hosts });
  const port = await freePort();
  const environment = {
    PATH: process.env["PATH"] ?? "",
    KRATE_API_MODE: mode,
    KRATE_API_ADDRESS: `127.0.0.1:${port}`,
    KRATE_LOG_LEVEL: "warn",
    KRATE_AUDIT_RECORDS: "false", // the anchor keeps no audit either
    KRATE_TLS_CERT_FILE: serving.certFile,
    KRATE_TLS_KEY_FILE: serving.keyFile,
    KRATE_CA_FILE: authority.certFile,
    KRATE_POSTGRES_HOST: postgres.connection.host,
    KRATE_POSTGRES_PORT: String(postgres.connection.port),
    KRATE_POSTGRES_USER: postgres.connection.user,
    KRATE_POSTGRES_DATABASE: postgres.connection.database,
  };
  return { folder, port, url: `https://127.0.0.1:${port}`, authority, postgres, environment };
}

/** krate-apiserver's bundle, as `npm start` runs it. */
class Program {
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  readonly #environment: Record<string, string>;

  constructor(environment: Record<string, string>) {
    this.#environment = environment;
    this.start();
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  start(): void {
    const file = join(checkout, "packages", "apiserver", "dist", "main.mjs");
    const child = spawn(process.execPath, [file], { env: this.#environment, stdio: ["ignore", "inherit", "inherit"] });
    this.#exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    this.#child = child;
  }

  async stop(): Promise<void> {
    this.#child?.kill("SIGTERM");
    await this.#exited;
  }
}

/** Standalone: the only API server there is. */
export async function startKrate(): Promise<KrateServer> {
  const { folder, url, authority, postgres, environment } = await install("standalone");
  const users = join(folder, "users.csv");
  ensureUsers(users);
  const program = new Program({
    ...environment,
    KRATE_CLIENT_CA_FILE: authority.certFile,
    KRATE_TOKEN_AUTH_FILE: users,
    KRATE_SERVICE_ACCOUNT_KEY_FILE: (await signingKeyFiles(join(folder, "service-account"))).privateKeyFile,
  });
  const target = { url, ca: readFileSync(authority.certFile), token: adminToken(users) };
  const server = krateServer("krate", target, { program, postgres, folder });
  try {
    await untilAccepted(target, [createNamespace, createDefinition(crdOf(Repository)), createRepository]);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** Behind the anchor's kube-apiserver: clients reach it through the aggregator. */
export async function startAggregated({
  target,
  controlPlane,
}: Awaited<ReturnType<typeof startAnchor>>): Promise<KrateServer> {
  const { folder, postgres, environment } = await install("aggregated");
  const definitions = allKinds
    .filter(({ group }) => group === configGroup)
    .map((kind) => createDefinition(crdOf(kind)));
  await untilAccepted(target, [...definitions, createRepository]);
  const program = new Program({
    ...environment,
    KUBECONFIG: controlPlane.info.kubeconfig,
    KRATE_APISERVICE_EXTERNAL_NAME: "localhost",
  });
  const server = krateServer("krate behind the aggregator", target, { program, postgres, folder });
  try {
    await untilAccepted(target, [{ method: "GET", path: server.collection }]);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

function krateServer(
  name: string,
  target: Target,
  { program, postgres, folder }: { program: Program; postgres: EmbeddedPostgres; folder: string },
): KrateServer {
  const collection = collectionOf(recordGroup);
  return {
    name,
    target,
    group: recordGroup,
    collection,
    postgres,
    pids: () => [program.pid, postgres.pid],
    async restart(between) {
      await program.stop();
      await between();
      program.start();
      await untilAccepted(target, [{ method: "GET", path: `${collection}?limit=1` }]);
    },
    async stop() {
      await program.stop();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface TrivialServer {
  target: Target;
  path: string;
  stop(): Promise<void>;
}

/** A handler that does nothing, behind the same aggregator: what the aggregator itself allows. */
export async function startTrivial({ target }: ServerUnderTest): Promise<TrivialServer> {
  const folder = mkdtempSync(join(tmpdir(), "krate-bench-trivial-"));
  const at = (name: string) => join(folder, name);
  const authority = await certificateAuthority(at("ca"), "krate-bench-trivial-ca");
  const hosts = ["localhost", "trivial.krate-system.svc"];
  const serving = await issueCertificate(authority, at("serving"), { name: "trivial", hosts });
  const port = await freePort();
  const handler = fileURLToPath(new URL("trivial-handler.ts", import.meta.url));
  const args = [handler, String(port), serving.certFile, serving.keyFile];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    child.kill("SIGTERM");
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  const path = `/apis/trivial.bench/v1/namespaces/${namespace}/things/one`;
  const spec = {
    group: "trivial.bench",
    version: "v1",
    groupPriorityMinimum: 1000,
    versionPriority: 15,
    service: { namespace: "krate-system", name: "trivial", port },
    caBundle: readFileSync(authority.certFile).toString("base64"),
  };
  try {
    await untilAccepted(target, [
      {
        method: "POST",
        path: "/api/v1/namespaces/krate-system/services",
        body: json({ metadata: { name: "trivial" }, spec: { type: "ExternalName", externalName: "localhost" } }),
      },
      {
        method: "POST",
        path: "/apis/apiregistration.k8s.io/v1/apiservices",
        body: json({
          apiVersion: "apiregistration.k8s.io/v1",
          kind: "APIService",
          metadata: { name: "v1.trivial.bench" },
          spec,
        }),
      },
      { method: "GET", path },
    ]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { target, path, stop };
}
