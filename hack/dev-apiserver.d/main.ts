/** Starts Postgres and a standalone API server in one folder, prints a kubeconfig, runs until it is told to stop. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificateAuthority, issueCertificate, signingKeyFiles } from "../../packages/pki/src/index.ts";
import { startEmbeddedPostgres } from "../../packages/postgres/src/embedded/index.ts";

const help = `hack/dev-apiserver [--folder DIR] [--port PORT] [--memory] [--no-crds] [--kubeconfig FILE]

Runs a standalone API server for development until Ctrl-C and prints, as its first line on stdout, the path of an administrator's
kubeconfig (group system:masters). Postgres, certificates and keys live in the folder.

  --folder DIR  keep everything in DIR and find it again at the next start   (default: a temporary folder, removed at the end)
  --port PORT   port on 127.0.0.1                                            (default: a free one)
  --memory      no Postgres: everything is kept in memory
  --kubeconfig FILE  run aggregated behind the API server of this kubeconfig, and register there; the printed kubeconfig is then this one
  --no-crds     do not apply the CRDs and roles in crds/
`;

const root = join(import.meta.dirname, "..", "..");
const options = parse(process.argv.slice(2));
const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "krate-apiserver-")));
const ca = await certificateAuthority(join(folder, "pki/ca"), "krate-dev-ca");
const serving = await issueCertificate(ca, join(folder, "pki/serving"), {
  name: "krate-apiserver",
  hosts: ["127.0.0.1", "localhost", "krate-apiserver.krate-system.svc"],
});
const admin = await issueCertificate(ca, join(folder, "pki/admin"), { name: "admin", groups: ["system:masters"] });
const signing = await signingKeyFiles(join(folder, "pki/service-account"));
const postgres = options.memory ? undefined : await startEmbeddedPostgres({ dataDir: join(folder, "postgres") });
const port = options.port ?? (await freePort());
const kubeconfigFile = options.kubeconfig ?? join(folder, "admin.kubeconfig");
if (options.kubeconfig === undefined) await writeFile(kubeconfigFile, await kubeconfig(), { mode: 0o600 });

const child = spawn(process.execPath, ["--conditions=development", join(root, "packages/apiserver/src/main.ts")], {
  stdio: ["ignore", "inherit", "inherit"],
  env: {
    ...process.env,
    ...(options.kubeconfig === undefined
      ? { KRATE_API_MODE: "standalone" }
      : { KRATE_API_MODE: "aggregated", KUBECONFIG: options.kubeconfig, KRATE_APISERVICE_EXTERNAL_NAME: "localhost" }),
    KRATE_API_ADDRESS: `127.0.0.1:${port}`,
    KRATE_TLS_CERT_FILE: serving.certFile,
    KRATE_TLS_KEY_FILE: serving.keyFile,
    KRATE_CA_FILE: ca.certFile,
    KRATE_CLIENT_CA_FILE: ca.certFile,
    KRATE_SERVICE_ACCOUNT_KEY_FILE: signing.privateKeyFile,
    KRATE_KUBELET_CLIENT_CERT_FILE: admin.certFile,
    KRATE_KUBELET_CLIENT_KEY_FILE: admin.keyFile,
    KRATE_KUBELET_CA_FILE: ca.certFile,
    ...(postgres === undefined
      ? { KRATE_STORAGE: "memory" }
      : {
          KRATE_POSTGRES_HOST: postgres.connection.host,
          KRATE_POSTGRES_PORT: String(postgres.connection.port),
          KRATE_POSTGRES_USER: postgres.connection.user,
          KRATE_POSTGRES_DATABASE: postgres.connection.database,
        }),
  },
});
const exited = new Promise<number>((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => child.kill("SIGTERM"));
void announce();
const code = await exited;
await postgres?.stop();
if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
process.exit(code);

/** Prints the kubeconfig once the server answers, with the CRDs in place. */
async function announce(): Promise<void> {
  for (let attempt = 0; attempt < 300 && child.exitCode === null; attempt++) {
    if (await kubectl(["get", "--raw", "/readyz"], { quiet: true })) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const crds = join(root, "crds");
  if (options.crds && existsSync(crds)) {
    const files = (await readdir(crds)).filter((file) => /^krate.*\.ya?ml$/.test(file));
    if (files.length > 0)
      await kubectl(["apply", "--server-side", ...files.flatMap((file) => ["-f", join(crds, file)])], { quiet: false });
  }
  process.stdout.write(`${kubeconfigFile}\n`);
}

function kubectl(args: string[], { quiet }: { quiet: boolean }): Promise<boolean> {
  return new Promise((resolve) => {
    const run = spawn("kubectl", ["--kubeconfig", kubeconfigFile, ...args], {
      stdio: ["ignore", quiet ? "ignore" : 2, quiet ? "ignore" : 2],
    });
    run.once("error", () => resolve(false));
    run.once("exit", (status) => resolve(status === 0));
  });
}

async function kubeconfig(): Promise<string> {
  const data = async (file: string) => (await readFile(file)).toString("base64");
  return JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "krate-dev",
      clusters: [
        {
          name: "krate-dev",
          cluster: { server: `https://127.0.0.1:${port}`, "certificate-authority-data": await data(ca.certFile) },
        },
      ],
      users: [
        {
          name: "admin",
          user: { "client-certificate-data": await data(admin.certFile), "client-key-data": await data(admin.keyFile) },
        },
      ],
      contexts: [{ name: "krate-dev", context: { cluster: "krate-dev", user: "admin" } }],
    },
    null,
    2,
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function parse(args: string[]): {
  folder?: string;
  port?: number;
  kubeconfig?: string;
  memory: boolean;
  crds: boolean;
} {
  const result: ReturnType<typeof parse> = { memory: false, crds: true };
  for (let at = 0; at < args.length; at++) {
    const arg = args[at];
    if (arg === "--help" || arg === "-h") {
      process.stdout.write(help);
      process.exit(0);
    } else if (arg === "--memory") result.memory = true;
    else if (arg === "--no-crds") result.crds = false;
    else if (arg === "--folder" || arg === "--port" || arg === "--kubeconfig") {
      const value = args[++at];
      if (value === undefined) fail(`${arg} needs a value`);
      if (arg === "--folder") result.folder = value;
      else if (arg === "--kubeconfig") result.kubeconfig = value;
      else result.port = Number(value);
    } else fail(`unknown argument ${arg}`);
  }
  return result;
}

function fail(message: string): never {
  process.stderr.write(`${message}\n\n${help}`);
  process.exit(2);
}
