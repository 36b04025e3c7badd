import { base } from "../hack/jest/base.mjs";

/** The end-to-end suite; `KRATE_E2E_CLUSTER` says on which cluster: standalone (default), envtest or kind. */
export default {
  ...base,
  rootDir: import.meta.dirname,
  globalSetup: "<rootDir>/src/global-setup.ts",
  globalTeardown: "<rootDir>/src/global-teardown.ts",
  // One forge serves all files; two at a time keep both cores busy while the others wait for controllers.
  maxWorkers: 2,
  testTimeout: 120_000,
};
