/** `examples/your-own-api` as a stranger meets it: its README is run word for word. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, jest, test } from "@jest/globals";
import { skipWithout, temporaryFolder } from "@krate/testing";

// Postgres is initialised, and kubectl started twenty times.
jest.setTimeout(120_000);

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const readme = readFileSync(join(root, "examples/your-own-api/README.md"), "utf8");

interface Step {
  command: string;
  output: string;
}

/** The `$` lines of every `console` block, each with what is printed below it. */
function stepsOf(markdown: string): Step[] {
  return [...markdown.matchAll(/^```console\n(.*?)^```/gms)].flatMap(([, block = ""]) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const end = text.indexOf("\n");
        return { command: text.slice(0, end), output: normalized(text.slice(end)) };
      }),
  );
}

/** Blanks align columns, ages pass, and streams come in no order. */
function normalized(text: string): string {
  return text
    .split("\n")
    .map((line) => line.replaceAll(/\s+/g, " ").replace(/\d+s$/, "<age>").trim())
    .filter((line) => line !== "")
    .sort()
    .join("\n");
}

async function start(args: string[]): Promise<{ child: ChildProcess; kubeconfig: string }> {
  const child = spawn(process.execPath, ["examples/your-own-api/main.ts", ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const kubeconfig = line.split("KUBECONFIG=")[1];
    if (kubeconfig !== undefined) return { child, kubeconfig };
  }
  throw new Error("the example ended without a kubeconfig");
}

async function stop(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGINT");
  expect(await exited).toEqual([0, null]);
}

function shell(command: string, home: string, kubeconfig: string): Promise<string> {
  return new Promise((resolve) => {
    const env = { PATH: process.env["PATH"], HOME: home, KUBECONFIG: kubeconfig };
    const child = spawn("bash", ["-c", command], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
    }
    child.on("close", () => resolve(text));
  });
}

skipWithout("kubectl")("examples/your-own-api", () => {
  test.each(["memory", "embedded"])("does what its README says, stored in: %s", async (storage) => {
    const folder = await temporaryFolder();
    try {
      const { child, kubeconfig } = await start(["--folder", folder.path, "--storage", storage]);
      const seen: Step[] = [];
      for (const { command } of stepsOf(readme)) {
        seen.push({ command, output: normalized(await shell(command, folder.path, kubeconfig)) });
      }
      await stop(child);
      expect(seen).toEqual(stepsOf(readme));
    } finally {
      await folder.remove();
    }
  });

  test("finds its data again", async () => {
    const folder = await temporaryFolder();
    try {
      const first = await start(["--folder", folder.path]);
      await shell("kubectl apply -f examples/your-own-api/bookmark.yaml", folder.path, first.kubeconfig);
      await stop(first.child);
      const second = await start(["--folder", folder.path]);
      const found = await shell("kubectl get bookmarks -o name", folder.path, second.kubeconfig);
      await stop(second.child);
      expect(found).toBe("bookmark.example.com/kubernetes\n");
    } finally {
      await folder.remove();
    }
  });
});
