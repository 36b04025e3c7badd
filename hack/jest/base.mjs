/**
 * The Jest settings every layer shares. Node 24 strips types itself, so there is no transform; workspace packages resolve
 * to their sources through the `development` export condition. Needs `--experimental-vm-modules` (pnpm-workspace.yaml).
 */
export const base = {
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
