/**
 * What each command runs, as arguments of the pinned Node: tools of the repository from their sources, programs of the
 * forge from their bundles, which `build` brings up to date first.
 */
const fromSource = (file, ...args) => ["--conditions=development", file, ...args];
const build = (...args) => fromSource("hack/tasks/build.ts", ...args);
const cli = (...args) => ["packages/cli/dist/main.mjs", ...args];

/** @type {Record<string, { summary: string, steps?: (args: string[]) => string[][] }>} */
export const commands = {
  start: { summary: "run the embedded forge until Ctrl-C", steps: (args) => [build("--quiet"), cli("up", ...args)] },
  demo: {
    summary: "show the main job against a running forge",
    steps: (args) => [build("--quiet"), cli("demo", ...args)],
  },
  test: {
    summary: "everything that can be tested on this machine",
    steps: (args) => [fromSource("hack/tasks/test.ts", ...args)],
  },
  bench: {
    summary: "measure beside the anchor: bench SUITE",
    steps: (args) => [build("--quiet"), fromSource("bench/src/main.ts", ...args)],
  },
  check: {
    summary: "format, lint, types, boundaries, generated files",
    steps: (args) => [fromSource("hack/tasks/check.ts", ...args)],
  },
  build: { summary: "bundle the programs that changed", steps: (args) => [build(...args)] },
  generate: {
    summary: "write every generated file anew",
    steps: (args) => [fromSource("packages/codegen/src/main.ts", ...args)],
  },
  install: { summary: "only install Node, pnpm and the packages", steps: () => [] },
  toolchain: { summary: "only install Node and pnpm below .cache" },
};
