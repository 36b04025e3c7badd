/** The five minutes of the README, command by command, on the running forge. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { checkout } from "./forge.ts";
import { forgeState, kubectl, kubectlOk, run } from "./shared-forge.ts";

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "krate-readme-"));
});
afterAll(() => {
  kubectlOk([
    "delete",
    "validatingadmissionpolicybindings,validatingadmissionpolicies",
    "require-pr-description",
    "--ignore-not-found",
  ]);
  rmSync(home, { recursive: true, force: true });
});

/** Shell blocks of a section, as one script; addresses of the default ports become those of the forge under test. */
function commandsOf(section: string): string[] {
  const { gitUrl, kubeconfig } = forgeState();
  const text = readFileSync(join(checkout, "README.md"), "utf8").split(`## ${section}\n`)[1]?.split("\n## ")[0] ?? "";
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block ?? "");
  return blocks
    .join("")
    .replaceAll("http://127.0.0.1:7081", gitUrl)
    .replaceAll("$PWD/.krate/kubeconfig", kubeconfig)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}

test("the five minutes of the README do what they say", () => {
  const commands = commandsOf("Five minutes");
  expect(commands.length).toBeGreaterThan(8);
  const env = { HOME: home, KUBECONFIG: forgeState().kubeconfig, GIT_CONFIG_NOSYSTEM: "1", GIT_TERMINAL_PROMPT: "0" };
  // A user of a cluster has a context with a token and a namespace; so do we from here on.
  for (const change of [
    ["use-context", "admin"],
    ["set-context", "admin", `--namespace=${forgeState().namespace}`],
  ]) {
    expect(run("kubectl", ["--kubeconfig", forgeState().kubeconfig, "config", ...change])).toMatchObject({ code: 0 });
  }
  const last = commands.pop() ?? "";
  for (const command of commands) {
    const result = run("bash", ["-c", command], { cwd: checkout, env });
    expect({ command, ...result }).toMatchObject({ command, code: 0 });
  }
  // A new policy takes a moment to reach every server.
  let denied = kubectl([
    "patch",
    "pr",
    "hello-1",
    "--type=merge",
    "--dry-run=server",
    "-p",
    '{"spec":{"merged":true}}',
  ]);
  for (let tries = 0; denied.code === 0 && tries < 50; tries++) {
    denied = kubectl(["patch", "pr", "hello-1", "--type=merge", "--dry-run=server", "-p", '{"spec":{"merged":true}}']);
  }
  const result = run("bash", ["-c", last], { cwd: checkout, env });
  expect(result.code).not.toBe(0);
  expect(result.stderr).toContain("require-pr-description");
});
