import { base } from "../hack/jest/base.mjs";

const { maxWorkers: _ofUnitTests, ...each } = base;
const ofReplicas = ["<rootDir>/src/history", "<rootDir>/src/replicas", "<rootDir>/src/client-go"];
const ofKyverno = "<rootDir>/src/kyverno.test.ts";
const ofGitea = "<rootDir>/src/gitea.test.ts";

/** What uses the whole forge, as people do. One forge serves all files. */
const forge = {
  ...each,
  displayName: "forge",
  rootDir: import.meta.dirname,
  globalSetup: "<rootDir>/src/global-setup.ts",
  globalTeardown: "<rootDir>/src/global-teardown.ts",
  testPathIgnorePatterns: [
    ...base.testPathIgnorePatterns,
    ...ofReplicas.map((folder) => `${folder}/`),
    ofKyverno,
    ofGitea,
  ],
};

/** What breaks API servers and databases, and has its own. Standalone by nature, so it runs on that cluster only. */
const replicas = { ...each, displayName: "replicas", rootDir: import.meta.dirname, roots: ofReplicas };

/** Policies of a whole cluster: a forge of its own. Its layer runs it on both clusters. */
const kyverno = { ...each, displayName: "kyverno", rootDir: import.meta.dirname, testMatch: [ofKyverno] };

/** Repositories in a real Gitea: a forge of its own. Its layer runs it. */
const gitea = { ...each, displayName: "gitea", rootDir: import.meta.dirname, testMatch: [ofGitea] };

/** The end-to-end suite; `KRATE_E2E_CLUSTER` says on which cluster: standalone (default), envtest or kind. */
export default {
  projects:
    (process.env.KRATE_E2E_CLUSTER ?? "standalone") === "standalone"
      ? [forge, replicas, kyverno, gitea]
      : [forge, kyverno, gitea],
  // Two at a time keep both cores busy while the others wait for controllers.
  maxWorkers: 2,
  testTimeout: 120_000,
};
