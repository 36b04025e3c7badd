import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { binaryPath } from "../../packages/testing/src/control-plane/binaries.ts";
import { buildGoModule } from "../../packages/testing/src/go-module.ts";
import { findCommand, requiredByEnvironment, requirements } from "../../packages/testing/src/requirements.ts";
import { findFiles } from "../checks/files.ts";
import { checks, runCheck } from "../checks/index.ts";
import { runChild } from "./children.ts";
import { readReport, tallyOf } from "./jest-report.ts";
import type { Layer, LayerContext, Preparation } from "./layer.ts";
import { sum, type Tally } from "./tally.ts";

const bundles: Preparation = {
  name: "build",
  async run({ root }) {
    const args = ["--conditions=development", "hack/tasks/build.ts", "--quiet"];
    const code = await runChild(process.execPath, args, { cwd: root, prefix: "build" });
    if (code !== 0) throw new Error("see above, or run: npm run build");
  },
};

/** About ten minutes on two cores the first time, cached by version afterwards; `nice`, so that faster layers stay fast. */
const controlPlane: Preparation = {
  name: "control-plane",
  async run({ root }) {
    const args = ["-n", "5", join(root, "hack", "control-plane"), "build"];
    const code = await runChild("nice", args, { cwd: root, prefix: "control-plane" });
    if (code !== 0) throw new Error("see above, or run: hack/control-plane build");
  },
};

/** The end-to-end suite is a user of the forge, so it needs kubectl: the machine's, else one of the pinned version. */
const kubectl: Preparation = {
  name: "kubectl",
  async run({ root }) {
    if (findCommand("kubectl")) return;
    const args = ["-n", "5", join(root, "hack", "control-plane"), "build", "kubectl"];
    const code = await runChild("nice", args, { cwd: root, prefix: "kubectl" });
    if (code !== 0) throw new Error("see above, or run: hack/control-plane build kubectl");
  },
};

/** The Go program that uses the API server as controllers do; its test is skipped by name where there is no Go. */
const clientGo: Preparation = {
  name: "client-go",
  async run({ root }) {
    if (findCommand("go")) await buildGoModule(join(root, "test-e2e", "client-go"));
  },
};

/** About eight minutes on two cores the first time, after the control plane, which earlier layers wait for. */
const kyvernoProgram: Preparation = {
  name: "kyverno",
  async run({ root }) {
    const inOrder = ["etcd", "kube-apiserver", "kube-controller-manager", "kyverno"];
    const args = ["-n", "5", join(root, "hack", "control-plane"), "build", ...inOrder];
    const code = await runChild("nice", args, { cwd: root, prefix: "kyverno" });
    if (code !== 0) throw new Error("see above, or run: hack/control-plane build kyverno");
  },
};

/** About five minutes on two cores the first time, after what earlier layers wait for. */
const giteaProgram: Preparation = {
  name: "gitea",
  async run({ root }) {
    const inOrder = ["etcd", "kube-apiserver", "kube-controller-manager", "gitea"];
    const args = ["-n", "5", join(root, "hack", "control-plane"), "build", ...inOrder];
    const code = await runChild("nice", args, { cwd: root, prefix: "gitea" });
    if (code !== 0) throw new Error("see above, or run: hack/control-plane build gitea");
  },
};

const usesGitea = /skipWithout\(["']gitea["']/;

const usesControlPlane =
  /\b(withControlPlane|sharedControlPlane|startControlPlane)\(|skipWithout\([^)]*["'](envtest|s3)["']/;

/** Test files beside the code that use a real Gitea. */
export function giteaTests(root: string): string[] {
  return findFiles(root, { in: ["packages"], matching: /^(?!.*\/testdata\/).*\.test\.m?ts$/ }).filter((file) =>
    usesGitea.test(readFileSync(join(root, file), "utf8")),
  );
}

/** Test files beside the code that use a real control plane, or the S3 server built with it: they wait until it is built. */
export function controlPlaneTests(root: string): string[] {
  return findFiles(root, { in: ["packages"], matching: /^(?!.*\/testdata\/).*\.test\.m?ts$/ }).filter((file) =>
    usesControlPlane.test(readFileSync(join(root, file), "utf8")),
  );
}

const check: Layer = {
  name: "check",
  about: "format, lint, types, boundaries, generated files, links",
  missing: ({ env }) => (env["CI"] ? undefined : "only CI runs it here; see npm run check"),
  preparations: [],
  async run({ root }) {
    const tallies: Tally[] = [];
    for (const each of checks) {
      const failed = (await runCheck(each, { root })).outcome === "failed";
      const notes = failed ? [`check: ${each.name} failed: hack/check ${each.name}`] : [];
      tallies.push({ passed: failed ? 0 : 1, failed: failed ? 1 : 0, skipped: 0, notes });
    }
    return sum(tallies);
  },
};

const unit: Layer = {
  name: "unit",
  about: "tests beside the code",
  missing: () => requirements.git(),
  preparations: [],
  run(context) {
    // without a control plane those tests stay in this layer, where each is skipped by name
    const isFiltered = context.jestArguments.some((argument) => !argument.startsWith("-"));
    const isLater = !isFiltered && missingEnvtest() === undefined;
    const ofGitea = isFiltered || missingGitea(context) !== undefined ? [] : giteaTests(context.root);
    const later = [...(isLater ? controlPlaneTests(context.root) : []), ...ofGitea];
    return jest(context, "unit", { env: { KRATE_JEST_IGNORE: later.join(",") } });
  },
};

const standalone: Layer = {
  name: "standalone",
  about: "the whole forge on its own API server",
  missing: missingEndToEnd,
  preparations: [bundles, kubectl, clientGo],
  run: (context) => endToEnd(context, "standalone"),
};

const integration: Layer = {
  name: "integration",
  about: "tests beside the code that need a real kube-apiserver",
  missing: () => missingEnvtest(),
  preparations: [controlPlane],
  run: (context) => jest(context, "integration", { args: ["--runTestsByPath", ...controlPlaneTests(context.root)] }),
};

const envtest: Layer = {
  name: "envtest",
  about: "the whole forge behind a real kube-apiserver",
  missing: (context) => missingEnvtest() ?? missingEndToEnd(context),
  preparations: [bundles, kubectl, controlPlane],
  run: (context) => endToEnd(context, "envtest"),
};

const kind: Layer = {
  name: "kind",
  about: "the whole forge on kind",
  missing: (context) => requirements.docker() ?? missingEndToEnd(context),
  preparations: [bundles, kubectl],
  run: (context) => endToEnd(context, "kind"),
};

/** Its policies are for the whole cluster, so its tests have a forge of their own; on both clusters, once the slowest build is done. */
const kyverno: Layer = {
  name: "kyverno",
  about: "policies of a real Kyverno, on the forge's own API server and on a real kube-apiserver",
  missing: (context) => missingKyverno(context) ?? missingEnvtest() ?? missingEndToEnd(context),
  preparations: [bundles, kubectl, controlPlane, kyvernoProgram],
  async run(context) {
    const only = { args: ["--selectProjects", "kyverno"] };
    const standalone = await endToEnd(context, "standalone", { name: "kyverno-standalone", ...only });
    return sum([standalone, await endToEnd(context, "envtest", { name: "kyverno-envtest", ...only })]);
  },
};

/** Slow builds and processes of their own, so both kinds of its tests wait for this layer. */
const gitea: Layer = {
  name: "gitea",
  about: "repositories in a real Gitea: the backend, the gateway in front of it, and the whole forge",
  missing: (context) => missingGitea(context) ?? missingEndToEnd(context),
  preparations: [bundles, kubectl, giteaProgram],
  async run(context) {
    const beside = await jest(context, "gitea", { args: ["--runTestsByPath", ...giteaTests(context.root)] });
    const args = ["--selectProjects", "gitea"];
    return sum([beside, await endToEnd(context, "standalone", { name: "gitea-standalone", args })]);
  },
};

/** In the order they run: fastest first. */
export const layers: readonly Layer[] = [check, unit, standalone, integration, envtest, gitea, kyverno, kind];

/** Built already, or asked for: nobody waits eight minutes for an optional companion that they did not ask for. */
function missingKyverno({ env }: LayerContext): string | undefined {
  if (requiredByEnvironment(env)("kyverno") && findCommand("go")) return undefined;
  return requirements.kyverno();
}

function missingGitea({ env }: LayerContext): string | undefined {
  if (requiredByEnvironment(env)("gitea") && findCommand("go")) return undefined;
  return requirements.gitea();
}

/** Built already, or Go is there to build it. */
function missingEnvtest(): string | undefined {
  const notBuilt = requirements.envtest();
  if (notBuilt === undefined || findCommand("go")) return undefined;
  return "no go on PATH, which builds kube-apiserver and etcd: see https://go.dev/dl";
}

function missingEndToEnd({ root }: LayerContext): string | undefined {
  if (!existsSync(join(root, "test-e2e", "jest.config.mjs"))) return "test-e2e/jest.config.mjs does not exist";
  if (findCommand("kubectl") || existsSync(binaryPath("kubectl")) || findCommand("go")) return undefined;
  return "no kubectl on PATH, and no go to build it: install one of them";
}

interface EndToEnd {
  /** Of the report. @defaultValue that of the cluster */
  name?: string;
  /** Further arguments of Jest. @defaultValue all but the projects that have a layer of their own */
  args?: readonly string[];
}

/** `test-e2e` is one suite; the variable says which cluster it runs on. */
function endToEnd(context: LayerContext, cluster: string, { name = cluster, args }: EndToEnd = {}): Promise<Tally> {
  const path = findCommand("kubectl") ? [] : [dirname(binaryPath("kubectl"))];
  return jest(context, name, {
    args: ["--config", "test-e2e/jest.config.mjs", ...(args ?? ["--ignoreProjects", "kyverno", "gitea"])],
    env: { KRATE_E2E_CLUSTER: cluster, PATH: [...path, context.env["PATH"]].join(delimiter) },
  });
}

/** Far above what a layer takes; a run in which everything waits for its time-out must still end within CI's 90 minutes. */
const limitMinutes = 18;

interface JestRun {
  args?: readonly string[];
  env?: NodeJS.ProcessEnv;
}

async function jest({ root, jestArguments }: LayerContext, name: string, { args = [], env }: JestRun): Promise<Tally> {
  const folder = join(root, ".cache", "test");
  const report = join(folder, `${name}.json`);
  mkdirSync(folder, { recursive: true });
  rmSync(report, { force: true });
  const node = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning", "node_modules/jest/bin/jest.js"];
  const code = await runChild(
    process.execPath,
    [...node, "--json", "--outputFile", report, ...args, ...jestArguments],
    { cwd: root, limitMinutes, lastFile: report, ...(env ? { env } : {}) },
  );
  return tallyOf(readReport(root, report), name, code);
}
