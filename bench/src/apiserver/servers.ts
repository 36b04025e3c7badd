/** The two servers of the suite, started for it and gone with it. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { crdOf } from "@krate/codegen";
import { configGroup, PullRequest, Repository, version } from "@krate/kinds";
import { certificateAuthority, ensureUsers, issueCertificate, parseTokenFile, signingKeyFiles } from "@krate/pki";
import { startEmbeddedPostgres } from "@krate/postgres/embedded";
import { freePort, startControlPlane } from "@krate/testing/control-plane";
import type { RequestPlan, Target } from "../http2-connection.ts";
import { sendAll } from "../load.ts";
import { namespace, repository } from "./objects.ts";

export interface ServerUnderTest {
  name: string;
  target: Target;
  stop(): Promise<void>;
}

const checkout = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const startTimeoutMilliseconds = 60_000;
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const crdPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

function adminToken(file: string): string {
  const admin = parseTokenFile(readFileSync(file, "utf8")).find(({ user }) => user === "admin");
  if (!admin) throw new Error(`${file} has no user admin`);
  return admin.token;
}

/** Repeats until the server takes them all: a new CRD is not served at once. */
async function untilAccepted(target: Target, plans: RequestPlan[]): Promise<void> {
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

/** kube-apiserver and etcd as in production (fsync), with PullRequest as a CRD: same schema, same rules. */
export async function startAnchor(): Promise<ServerUnderTest> {
  const controlPlane = await startControlPlane({ fsync: true });
  const { url, caFile, dataFolder } = controlPlane.info;
  const target = { url, ca: readFileSync(caFile), token: adminToken(join(dataFolder, "users.csv")) };
  await sendAll(target, [createNamespace, { method: "POST", path: crdPath, body: json(crdOf(PullRequest)) }], 1);
  await untilAccepted(target, [
    { method: "GET", path: `/apis/${PullRequest.group}/${version}/namespaces/${namespace}/${PullRequest.plural}` },
  ]);
  return { name: "CRD + etcd", target, stop: () => controlPlane.stop() };
}

/** krate-apiserver's bundle in standalone mode over the embedded Postgres, as `npm start` runs it. */
export async function startKrate(): Promise<ServerUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), "krate-bench-"));
  const at = (name: string) => join(folder, name);
  const postgres = await startEmbeddedPostgres({ dataDir: at("postgres") });
  const authority = await certificateAuthority(at("ca"), "krate-bench-ca");
  const serving = await issueCertificate(authority, at("apiserver"), { name: "apiserver", hosts: ["127.0.0.1"] });
  const { privateKeyFile } = await signingKeyFiles(at("service-account"));
  ensureUsers(at("users.csv"));
  const port = await freePort();
  const env = {
    PATH: process.env["PATH"] ?? "",
    KRATE_API_MODE: "standalone",
    KRATE_API_ADDRESS: `127.0.0.1:${port}`,
    KRATE_LOG_LEVEL: "warn",
    KRATE_TLS_CERT_FILE: serving.certFile,
    KRATE_TLS_KEY_FILE: serving.keyFile,
    KRATE_CA_FILE: authority.certFile,
    KRATE_CLIENT_CA_FILE: authority.certFile,
    KRATE_TOKEN_AUTH_FILE: at("users.csv"),
    KRATE_SERVICE_ACCOUNT_KEY_FILE: privateKeyFile,
    KRATE_POSTGRES_HOST: postgres.connection.host,
    KRATE_POSTGRES_PORT: String(postgres.connection.port),
    KRATE_POSTGRES_USER: postgres.connection.user,
    KRATE_POSTGRES_DATABASE: postgres.connection.database,
  };
  const child = spawn(process.execPath, [join(checkout, "packages", "apiserver", "dist", "main.mjs")], {
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    child.kill("SIGTERM");
    await exited;
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const target = {
    url: `https://127.0.0.1:${port}`,
    ca: readFileSync(authority.certFile),
    token: adminToken(at("users.csv")),
  };
  try {
    await untilAccepted(target, [createNamespace, { method: "POST", path: crdPath, body: json(crdOf(Repository)) }]);
    const repositories = `/apis/${configGroup}/${version}/namespaces/${namespace}/${Repository.plural}`;
    const object = {
      apiVersion: `${configGroup}/${version}`,
      kind: Repository.kind,
      metadata: { name: repository, namespace },
      spec: { organizationRef: "bench" },
    };
    await untilAccepted(target, [{ method: "POST", path: repositories, body: json(object) }]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { name: "krate", target, stop };
}
