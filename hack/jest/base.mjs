import { availableParallelism } from "node:os";

/**
 * The Jest settings every layer shares. Node 24 strips types itself, so there is no transform; workspace packages resolve
 * to their sources through the `development` export condition. Needs `--experimental-vm-modules` (pnpm-workspace.yaml).
 */
export const base = {
  // Jest's default leaves one core out: on two cores that is a single worker.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  transform: {},
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  moduleFileExtensions: ["ts", "mjs", "js", "cjs", "json", "node"],
  testEnvironmentOptions: { customExportConditions: ["development", "node", "node-addons"] },
  // A hang fails, a busy machine does not: the slowest tests start processes and share the machine with other layers.
  testTimeout: 30_000,
  testMatch: ["**/*.test.ts", "**/*.test.mjs"],
  testPathIgnorePatterns: ["/node_modules/", "/dist/", "/\\.next/", "/testdata/"],
  modulePathIgnorePatterns: ["/dist/", "/\\.next/", "<rootDir>/.cache/"],
};
