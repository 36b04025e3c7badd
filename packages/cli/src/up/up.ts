/**
 * `krate up`: the whole forge on one machine. Order: Postgres, API server, what must be installed in it, Git gateway,
 * controllers, process node, console. With a kubeconfig the API server serves records behind that cluster instead.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { isReason, recordGroup, version } from "@krate/kinds";
import { type KubeClient, kubeClient, loadKubeConfig } from "@krate/kube";
import { sshKeyFile } from "@krate/pki/ssh";
import {
  apiserverEnvironment,
  type ClusterOptions,
  clusterAccess,
  hostPort,
  loopback,
  prepareCluster,
} from "./cluster.ts";
import { startDatabase } from "./database.ts";
import { type Identities, programIdentities } from "./identities.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { takeLock } from "./lock.ts";
import { firstNamespace, install } from "./manifests.ts";
import { reservePort } from "./ports.ts";
import { controllers, hasProgram, program } from "./services.ts";
import { type ForgeState, removeState, writeState } from "./state.ts";
import { Supervisor, type SupervisorEvents } from "./supervisor.ts";

export const defaults = { apiPort: 7443, gitPort: 7081, sshPort: 7022, consolePort: 7080, searchPort: 0 } as const;

export interface UpOptions {
  home: string;
  checkout: string;
  apiPort: number;
  gitPort: number;
  sshPort: number;
  consolePort: number;
  /** Nothing but `forge.json` names it: @defaultValue a free one */
  searchPort: number;
  /** Aggregated mode: kubeconfig of the cluster to serve records for. */
  kubeconfig?: string;
  /** Where that cluster's kube-apiserver reaches this machine: an IP address of it. @defaultValue 127.0.0.1 */
  clusterAddress?: string;
  /** Programs not to start. */
  without?: string[];
  print(line: string): void;
}

export interface Forge {
  state: ForgeState;
  stop(): Promise<void>;
}

/** Starts everything and resolves when all of it is ready; on failure stops what was started and throws. */
export async function startForge(options: UpOptions): Promise<Forge> {
  const layout = layoutOf(options.home);
  // Jobs run as nobody where we are root: they pass through the folder, but read nothing in it.
  mkdirSync(layout.home, { recursive: true, mode: 0o711 });
  for (const folder of [layout.repositories, layout.kubeconfigs, layout.tokens, layout.node, layout.search]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
  const releases: (() => unknown)[] = [takeLock(layout.lock)];
  const stop = async () => {
    for (const release of releases.splice(0).reverse()) await release();
  };
  try {
    return { state: await startPrograms(options, releases), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startPrograms(options: UpOptions, releases: (() => unknown)[]): Promise<ForgeState> {
  const { checkout, print } = options;
  const layout = layoutOf(options.home);
  const events: SupervisorEvents = {
    ready: (name, milliseconds) => print(`  ✓ ${name.padEnd(24)} ${(milliseconds / 1000).toFixed(1)} s`),
    exited: (name, how, wait) => print(`  ! ${name} ended (${how}); again in ${wait / 1000} s; logs: ${layout.logs}`),
  };
  const supervisor = new Supervisor({ logFolder: layout.logs, events });
  const wanted = (name: string) => !options.without?.includes(name) && hasProgram(checkout, name);
  const start = async (name: string, env: Record<string, string>, readySeconds?: number) => {
    if (!wanted(name)) return;
    const healthAddress = `127.0.0.1:${await reservePort(0, `health of ${name}`)}`;
    await supervisor.start(program({ name, checkout, env, healthAddress, ...(readySeconds && { readySeconds }) }));
  };

  const database = await startDatabase(layout.database, events);
  releases.push(() => database.stop());
  releases.push(() => supervisor.stop());

  const ports = {
    api: await reservePort(options.apiPort, "the API server"),
    git: await reservePort(options.gitPort, "Git over HTTP"),
    ssh: await reservePort(options.sshPort, "Git over SSH"),
    console: await reservePort(options.consolePort, "the console"),
    search: await reservePort(options.searchPort, "code search"),
    node: await reservePort(0, "logs of the process node"),
  };
  const { kubeconfig, clusterAddress = loopback } = options;
  if (!kubeconfig && clusterAddress !== loopback)
    throw new Error("--cluster-address needs --kubeconfig: it is about that cluster");
  const cluster: ClusterOptions = { layout, ports, address: clusterAddress, ...(kubeconfig && { kubeconfig }) };
  const prepared = await prepareCluster(cluster);
  const client = kubeClient(await loadKubeConfig(prepared.adminKubeconfig), {
    userAgent: "krate-up",
    fieldManager: "krate-up",
  });
  releases.push(() => client.close());
  const startServer = (env: Record<string, string> = {}) =>
    start("apiserver", { ...apiserverEnvironment(prepared, database.connection), ...env });
  // Standalone, everything is installed into our own server; aggregated, it needs an identity of the cluster first.
  if (prepared.mode === "standalone") await startServer();
  await install(client, checkout, { localPeople: prepared.mode === "standalone" });
  const identities: Identities = await programIdentities(client, clusterAccess(prepared), layout);
  releases.push(() => identities.stop());
  if (prepared.mode === "aggregated") await startServer({ KUBECONFIG: identities.kubeconfigOf("apiserver") });
  await untilRecordsServed(client);

  const gitUrl = `http://127.0.0.1:${ports.git}`;
  const sshUrl = `ssh://git@127.0.0.1:${ports.ssh}`;
  const shared = {
    // With Gitea the repositories are on its volume, which the environment names with the rest of KRATE_GITEA_*.
    KRATE_REPOSITORY_ROOT: (process.env.KRATE_GIT_BACKEND && process.env.KRATE_REPOSITORY_ROOT) || layout.repositories,
    KRATE_GIT_URL: gitUrl,
    KRATE_SSH_URL: sshUrl,
    KRATE_WEBHOOK_ALLOWED_NETWORKS: "127.0.0.0/8,::1/128",
    // The folder's lock lets one forge run: after a crash nobody has to wait for a lease to end.
    ...(!options.kubeconfig && { KRATE_LEADER_ELECTION: "false" }),
    KRATE_RUNNER_NODE_SELECTOR: "krate.a5c.ai/process-node=true",
  };
  const environment = (name: string) => ({ ...shared, KUBECONFIG: identities.kubeconfigOf(name) });
  await start("git-gateway", {
    ...environment("git-gateway"),
    KRATE_GIT_ADDRESS: `127.0.0.1:${ports.git}`,
    KRATE_SSH_ADDRESS: `127.0.0.1:${ports.ssh}`,
    ...sshKeyFiles(layout),
  });
  await Promise.all([
    ...controllers.map((name) => start(name, environment(name))),
    start("process-node", {
      ...environment("process-node"),
      KRATE_NODE_ROOT: layout.node,
      KRATE_NODE_ADDRESS: hostPort(clusterAddress, ports.node),
      ...prepared.kubeletServing,
    }),
    start("code-search", {
      ...environment("code-search"),
      KRATE_SEARCH_HOME: layout.search,
      KRATE_SEARCH_ADDRESS: `127.0.0.1:${ports.search}`,
    }),
  ]);
  const consoleUrl = `http://127.0.0.1:${ports.console}`;
  await start("console", {
    ...environment("console"),
    KRATE_CONSOLE_HOME: layout.console,
    KRATE_API_URL: prepared.apiUrl,
    KRATE_API_CA_FILE: prepared.caFile,
    ...(prepared.consoleTokenFile && { KRATE_CONSOLE_AUTO_LOGIN_TOKEN_FILE: prepared.consoleTokenFile }),
    PORT: String(ports.console),
    HOSTNAME: "127.0.0.1",
  });

  const state: ForgeState = {
    pid: process.pid,
    apiUrl: prepared.apiUrl,
    gitUrl,
    sshUrl,
    ...(wanted("code-search") && { searchUrl: `http://127.0.0.1:${ports.search}` }),
    ...(wanted("console") && { consoleUrl }),
    kubeconfig: prepared.kubeconfig,
    namespace: firstNamespace,
    pids: { postgres: database.pid(), ...supervisor.pids() },
  };
  const refresh = setInterval(
    () => writeState(layout.state, { ...state, pids: { postgres: database.pid(), ...supervisor.pids() } }),
    1000,
  );
  refresh.unref();
  releases.push(() => {
    clearInterval(refresh);
    removeState(layout.state);
  });
  writeState(layout.state, state);
  return state;
}

/** Host key and authority of the SSH side, made at the first start. */
function sshKeyFiles({ pki }: Layout): Record<string, string> {
  const [hostKey, authority] = [join(pki, "ssh-host"), join(pki, "ssh-ca")];
  sshKeyFile(hostKey, "host key of krate");
  sshKeyFile(authority, "authority of krate");
  return { KRATE_SSH_HOST_KEY_FILE: hostKey, KRATE_SSH_CA_KEY_FILE: authority };
}

const servedTimeoutMilliseconds = 60_000;

/** Behind an aggregator the records are there once it has found our server; controllers would only wait for them one by one. */
async function untilRecordsServed(client: KubeClient): Promise<void> {
  const deadline = Date.now() + servedTimeoutMilliseconds;
  for (;;) {
    try {
      await (await client.raw({ path: `/apis/${recordGroup}/${version}` })).text();
      return;
    } catch (error) {
      const passing = isReason(error, "NotFound") || isReason(error, "ServiceUnavailable");
      if (!passing || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function banner(state: ForgeState): string {
  return [
    "",
    "Krate is running.",
    "",
    ...(state.consoleUrl ? [`  Console     ${state.consoleUrl}`] : []),
    `  Git         ${state.gitUrl}/${state.namespace}/<repository>.git`,
    `  Git, SSH    ${state.sshUrl}/${state.namespace}/<repository>.git  (krate login, or an SSHKey)`,
    `  API         ${state.apiUrl}`,
    `  kubeconfig  ${state.kubeconfig}  (contexts admin, alice, bob)`,
    "",
    `  export KUBECONFIG=${state.kubeconfig}`,
    "  kubectl create -f examples/repository.yaml",
    "  npm run demo          shows the main job of the forge, command by command",
    "",
    "Ctrl-C stops it; the next start finds everything again.",
    "",
  ].join("\n");
}

/** The command: runs until SIGINT or SIGTERM. */
export async function up(options: Omit<UpOptions, "print">): Promise<void> {
  const print = (line: string) => process.stdout.write(`${line}\n`);
  const stopped = new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
  print("Starting Krate");
  const forge = await startForge({ ...options, print });
  print(banner(forge.state));
  await stopped;
  print("Stopping");
  await forge.stop();
}
