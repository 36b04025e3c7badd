import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { checkout } from "./checkout.ts";
import { Output } from "./output.ts";

let folder: string;
let server: Server;
/** Connections that are cut before the server begins to answer, as one that is being replaced does. */
let cuts: number;

const git = (...args: string[]) => execFileSync("git", ["-C", folder, ...args], { stdio: "pipe" });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "krate-checkout-"));
  writeFileSync(join(folder, "token"), "token-of-this-pod");
  git("init", "-q", "--initial-branch=main", "source");
  writeFileSync(join(folder, "source", "README"), "hello\n");
  git("-C", "source", "add", "README");
  git("-C", "source", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first");
  git("clone", "-q", "--bare", "source", "hello.git");
  git("-C", "hello.git", "update-server-info");
  server = createServer(({ url, socket }, response) => {
    if (cuts-- > 0) return socket.destroy();
    const file = join(folder, new URL(url ?? "/", "http://x").pathname);
    if (!existsSync(file)) return response.writeHead(404).end();
    return response.end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function checkOut(ref: string, { times }: { times: number }) {
  cuts = times;
  const log: string[] = [];
  const end = await checkout({
    job: {
      repository: "hello",
      sha: ref,
      cloneUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hello.git`,
    } as Parameters<typeof checkout>[0]["job"],
    output: new Output((text) => log.push(text)),
    tokenFile: join(folder, "token"),
    workspace: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder },
    inputs: { "fetch-depth": "0", path: "work" },
    timeoutSeconds: 30,
    signal: new AbortController().signal,
  });
  const waited = log.filter((line) => line.includes("trying again"));
  return { end, waited };
}

test("a fetch that a server in the middle of its restart cut off is tried again", async () => {
  const { end, waited } = await checkOut("refs/heads/main", { times: 2 });
  expect(end).toEqual({ how: "exit", exitCode: 0 });
  expect(waited).toEqual([
    "the fetch failed with exit code 128: trying again in 1 s\n",
    "the fetch failed with exit code 128: trying again in 2 s\n",
  ]);
  expect(readFileSync(join(folder, "work", "README"), "utf8")).toBe("hello\n");
});

test("a ref that is not there is asked for once", async () => {
  expect(await checkOut("refs/heads/other", { times: 0 })).toEqual({ end: { how: "exit", exitCode: 128 }, waited: [] });
});
