import { expect, test } from "@jest/globals";
import { checkout, krateCommand } from "./forge.ts";
import { forgeState, run } from "./shared-forge.ts";

test("krate demo goes from an empty repository to a merged, policy-checked, built and delivered pull request", () => {
  const { kubeconfig, gitUrl } = forgeState();
  const [command, ...args] = krateCommand() as [string, ...string[]];
  const result = run(command, [...args, "demo", "--kubeconfig", kubeconfig, "--git-url", gitUrl], { cwd: checkout });
  expect({ code: result.code, said: result.code === 0 ? "" : result.stdout + result.stderr }).toEqual({
    code: 0,
    said: "",
  });
  expect(result.stdout).toContain("All 9 steps did what they say");
});
