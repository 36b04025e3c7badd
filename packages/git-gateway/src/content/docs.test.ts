import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { GatewayFixture, ok } from "../testing/gateway-fixture.ts";
import { viewNames } from "./serve.ts";

const page = new URL("../../../../docs/reference/content-api.md", import.meta.url);

let gateway: GatewayFixture;
let text: string;
beforeAll(async () => {
  text = await readFile(page, "utf8");
  gateway = await GatewayFixture.start();
  await gateway.createRepository("shop");
  const work = await gateway.workTree("shop-work", "shop");
  await gateway.commit(work, "src/app.ts", "one\ntwo\n", "app");
  await ok(gateway.git(["tag", "v1"], work));
  await ok(gateway.git(["checkout", "-q", "-b", "feature/x"], work));
  await gateway.commit(work, "src/app.ts", "one\ntwo\nthree\n", "more");
  await ok(gateway.git(["push", "-q", "origin", "main", "feature/x", "v1"], work));
});
afterAll(() => gateway.stop());

const blocks = (of: string) => [...of.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block as string);

test("every command of docs/reference/content-api.md works as it is written", async () => {
  const [setup = "", ...commands] = blocks(text);
  const lines = commands.flatMap((block) => block.trimEnd().split("\n"));
  expect(lines.length).toBeGreaterThan(15);
  for (const line of lines) {
    const outcome = await shell(`${setup}${line}`);
    expect({ line, ...outcome, stdout: undefined }).toEqual({ line, code: 0, stderr: "", stdout: undefined });
    if (!line.includes(" -o ")) expect({ line, said: outcome.stdout.length > 0 }).toEqual({ line, said: true });
  }
});

test("every view is on the page", () => {
  expect(viewNames.filter((name) => !text.includes(`/-/${name}`))).toEqual([]);
});

function shell(script: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env["PATH"], KRATE_GIT_URL: gateway.origin, TOKEN: "alice-token", HOME: gateway.folder };
  return new Promise((resolve) => {
    execFile("bash", ["-c", script], { env, cwd: gateway.folder }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    );
  });
}
