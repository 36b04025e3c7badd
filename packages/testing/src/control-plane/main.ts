import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Gitea, giteaEnvironment, startGitea } from "../gitea/gitea.ts";
import { temporaryFolder } from "../temp-dir.ts";
import { binaryPath, missingPrograms, programVersion } from "./binaries.ts";
import { buildProgram } from "./build.ts";
import { startKyverno } from "./kyverno.ts";
import { type GoProgram, type ProgramName, programs } from "./programs.ts";
import { serveShared } from "./shared.ts";
import { infoFileName, readControlPlane, startControlPlane } from "./start.ts";
import { stopControlPlane } from "./stop.ts";
import { kubeconfigFor } from "./users.ts";

const help = `hack/control-plane: a real Kubernetes control plane on loopback, for tests and benchmarks.

  build [NAME…]         builds what is missing (default: ${defaultPrograms().join(", ")})
  list                  what can be built, at which version, and where it is
  start                 starts etcd, kube-apiserver and kube-controller-manager; ends them on SIGINT or SIGTERM
    --data DIR            keep the data here, a second start finds it again   (default: a temporary folder)
    --port N              port of kube-apiserver                              (default: any free one)
    --etcd-port N         client port of etcd                                 (default: any free one)
    --fsync               durable writes in etcd: for benchmarks              (default: off, faster)
    --audit               requests at level Metadata into DIR/audit.log
    --no-controller-manager
    --arg FLAG            one more flag for kube-apiserver; may be repeated
    --with kyverno        also Kyverno's definitions and its admission controller (hack/control-plane build kyverno)
    --with gitea          also a Gitea that can hold the repositories (hack/control-plane build gitea); may be repeated
    --gitea-processes N   of it, on one volume                                (default: 1)
  share --data DIR      like start; ends when no test run uses it any more (test runs start this themselves)
  stop --data DIR       ends the control plane that runs on this folder
  user NAME --data DIR  writes a kubeconfig for a user with a client certificate and prints its path
    --group GROUP         may be repeated
  gitea --data DIR      runs Gitea alone, and prints what makes krate up use it; ends it on SIGINT or SIGTERM
    --gitea-processes N   on one volume                                       (default: 1)
    --port N              of the first one                                    (default: any free one)
  kyverno               runs Kyverno in any cluster you may do everything in, such as that of krate up;
                        ends it on SIGINT or SIGTERM, what it defined stays
    --kubeconfig FILE     how to reach the cluster                            (default: KUBECONFIG)
    --context NAME                                                            (default: the current one)
    --data DIR            for its kubeconfig and log                          (default: a temporary folder)
    --port N              of its webhooks on loopback                         (default: any free one)

examples:
  hack/control-plane build
  hack/control-plane start --data .krate/control-plane
  KUBECONFIG=.krate/control-plane/kubeconfig kubectl get namespaces
  hack/control-plane user ada --group developers --data .krate/control-plane
  hack/control-plane build kyverno && hack/control-plane kyverno --kubeconfig .krate/kubeconfig --context admin
  hack/control-plane build gitea && hack/control-plane gitea --data .krate/gitea --gitea-processes 2
  hack/control-plane start --fsync --arg=--max-requests-inflight=1000

Binaries are cached by version and module below KRATE_CACHE_DIR (default: krate in XDG_CACHE_HOME or ~/.cache).
A folder with control-plane.json describes a running one; tests use it when KRATE_CONTROL_PLANE names that file.
`;

type Options = ReturnType<typeof readArguments>["values"];

const commands: Record<string, (names: string[], options: Options) => Promise<void>> = {
  async build(names) {
    for (const name of names.length > 0 ? names.map(programName) : defaultPrograms()) {
      console.log(await buildProgram(name, (line) => console.error(line)));
    }
  },
  async list() {
    for (const name of Object.keys(programs) as ProgramName[]) {
      const state = missingPrograms([name]).length > 0 ? "not built" : binaryPath(name);
      console.log(`${name.padEnd(26)}${programVersion(name).padEnd(10)}${state}`);
    }
  },
  start: (_, options) => runUntilSignal(options),
  async share(_, options) {
    if (!options.data) throw new Error("share needs --data DIR");
    await serveShared(resolve(options.data), untilSignal());
  },
  async stop(_, options) {
    await stopControlPlane(await readControlPlane(infoFile(options)));
  },
  async user([name], options) {
    if (name === undefined) throw new Error("which user? hack/control-plane user NAME --data DIR");
    console.log(await kubeconfigFor(await readControlPlane(infoFile(options)), { name, groups: options.group }));
  },
  kyverno: (_, options) => runKyverno(options),
  gitea: (_, options) => runGitea(options),
};

async function runGitea(options: Options): Promise<void> {
  if (!options.data) throw new Error("gitea needs --data DIR");
  const signal = untilSignal();
  const first = port(options.port);
  await using gitea = await startGitea({
    dataFolder: options.data,
    processes: processes(options),
    ...(first !== undefined && { ports: [first] }),
  });
  sayGitea(gitea);
  await Promise.race([signal, gitea.failure]);
}

function sayGitea(gitea: Gitea): void {
  for (const { name, url, pid } of gitea.processes)
    console.log(`Gitea ${gitea.version}: ${name} at ${url} (pid ${pid})`);
  console.log(`token of its administrator: ${gitea.tokenFile}`);
  console.log("krate up keeps its repositories there with this environment:");
  for (const [name, value] of Object.entries(giteaEnvironment(gitea))) console.log(`  ${name}=${value}`);
}

function processes(options: Options): number {
  const text = options["gitea-processes"] ?? "1";
  const number = Number(text);
  if (Number.isInteger(number) && number > 0 && number <= 8) return number;
  throw new Error(`--gitea-processes ${text} must be a number between 1 and 8`);
}

async function runKyverno(options: Options): Promise<void> {
  const kubeconfig = options.kubeconfig ?? process.env.KUBECONFIG;
  if (!kubeconfig) throw new Error("kyverno needs --kubeconfig FILE, or KUBECONFIG");
  await using temporary = await temporaryFolder("kyverno");
  const signal = untilSignal();
  const began = performance.now();
  await using kyverno = await startKyverno({
    kubeconfig: resolve(kubeconfig),
    dataFolder: options.data ?? temporary.path,
    ...definedOnly({ context: options.context, port: port(options.port) }),
  });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`Kyverno ${kyverno.version} (pid ${kyverno.pid}) at ${kyverno.url}, ready in ${seconds} s`);
  console.log(`log: ${kyverno.logFile}`);
  await Promise.race([signal, kyverno.failure]);
}

async function runUntilSignal(options: Options): Promise<void> {
  const signal = untilSignal();
  const began = performance.now();
  const companions = (options.with ?? []).map(companion);
  const plane = await startControlPlane({
    dataFolder: options.data,
    ports: definedOnly({ apiServer: port(options.port), etcd: port(options["etcd-port"]) }),
    fsync: options.fsync,
    audit: options.audit,
    controllerManager: !options["no-controller-manager"],
    apiServerArguments: options.arg,
    ...(companions.includes("kyverno") && { with: ["kyverno"] }),
  });
  const { info } = plane;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    `Kubernetes ${info.version} at ${info.url}, ready in ${seconds} s${info.fsync ? "" : " (etcd without fsync: not for benchmarks)"}`,
  );
  console.log(`kubeconfig: ${info.kubeconfig}`);
  console.log(`details:    ${join(info.dataFolder, infoFileName)}`);
  let gitea: Gitea | undefined;
  try {
    if (companions.includes("gitea")) {
      gitea = await startGitea({
        dataFolder: join(info.dataFolder, "gitea"),
        processes: processes(options),
        fsync: options.fsync ?? false,
      });
      sayGitea(gitea);
    }
    await Promise.race([signal, plane.failure, ...(gitea ? [gitea.failure] : [])]);
  } finally {
    await gitea?.stop();
    await plane.stop();
  }
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => resolve());
  });
}

function readArguments() {
  return parseArgs({
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h" },
      data: { type: "string" },
      port: { type: "string" },
      "etcd-port": { type: "string" },
      fsync: { type: "boolean" },
      audit: { type: "boolean" },
      "no-controller-manager": { type: "boolean" },
      arg: { type: "string", multiple: true },
      group: { type: "string", multiple: true },
      with: { type: "string", multiple: true },
      "gitea-processes": { type: "string" },
      kubeconfig: { type: "string" },
      context: { type: "string" },
    },
  });
}

function defaultPrograms(): ProgramName[] {
  return (Object.keys(programs) as ProgramName[]).filter((name) => (programs[name] as GoProgram).default);
}

function programName(name: string): ProgramName {
  if (Object.hasOwn(programs, name)) return name as ProgramName;
  throw new Error(`unknown program "${name}": must be one of ${Object.keys(programs).join(", ")}`);
}

function companion(name: string): "kyverno" | "gitea" {
  if (name === "kyverno" || name === "gitea") return name;
  throw new Error(`cannot start with "${name}": must be kyverno or gitea`);
}

function infoFile(options: Options): string {
  if (!options.data) throw new Error("which control plane? give --data DIR, the folder that start printed");
  return join(resolve(options.data), infoFileName);
}

function port(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isInteger(number) && number > 0 && number < 65536) return number;
  throw new Error(`port "${text}" must be a number between 1 and 65535`);
}

function definedOnly<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

async function main(): Promise<void> {
  const { values, positionals } = readArguments();
  const [command, ...names] = positionals;
  const run = command === undefined ? undefined : commands[command];
  if (values.help || command === undefined) return void console.log(help);
  if (run === undefined)
    throw new Error(`unknown command "${command}": must be one of ${Object.keys(commands).join(", ")}`);
  await run(names, values);
}

try {
  await main();
} catch (error) {
  console.error(`hack/control-plane: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
