import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { startKindCluster } from "./kind-cluster.ts";
import { skipWithout } from "./skip-without.ts";

const startMilliseconds = 600_000;

skipWithout("docker", "kubectl")("a kind cluster", () => {
  test(
    "has a node that is ready",
    async () => {
      await using cluster = await startKindCluster();
      const args = ["--kubeconfig", cluster.kubeconfig, "get", "nodes", "--no-headers"];
      const { stdout } = await promisify(execFile)("kubectl", args);
      expect(stdout).toMatch(/ Ready /);
    },
    startMilliseconds,
  );
});
