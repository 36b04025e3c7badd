/** What is large passes through: the gateway never holds it. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { open, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type TemporaryFolder, temporaryFolder } from "@krate/testing";
import { git, ok } from "./testing/gateway-fixture.ts";

const mebibyte = 1024 ** 2;
/** 300 MiB that do not compress. */
const blobs = 6;
const blobBytes = 50 * mebibyte;
/** Buffers of pipes and sockets, and garbage not collected yet; a pack or a file in memory would be more than twice that. */
const allowedGrowth = 128 * mebibyte;

const describeOnLinux = process.platform === "linux" ? describe : describe.skip;

describeOnLinux("memory of the gateway", () => {
  let folder: TemporaryFolder;
  let gateway: ChildProcess;
  let origin: string;
  let url: string;

  beforeAll(async () => {
    folder = await temporaryFolder("memory");
    gateway = spawn(
      process.execPath,
      ["--conditions=development", join(import.meta.dirname, "testing/gateway-process.ts")],
      { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, NODE_OPTIONS: "" } },
    );
    const [line] = (await once(gateway.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
    ({ origin, url } = JSON.parse(String(line)) as { origin: string; url: string });
    // What is loaded and compiled at first use is not growth.
    const work = join(folder.path, "warm");
    await ok(git(["init", "-q", "-b", "warm", work], folder.path));
    await ok(git(["commit", "-q", "--allow-empty", "-m", "one"], work));
    await ok(git(["push", "-q", url, "warm"], work));
  }, 120_000);
  afterAll(async () => {
    gateway?.stdin?.end();
    if (gateway) await once(gateway, "exit");
    await folder?.remove();
  }, 60_000);

  /** Sets the high-water mark of the process back, runs `work`, and answers by how much memory grew at most meanwhile, in bytes. */
  async function growth(work: () => Promise<void>): Promise<number> {
    const field = async (name: string) => {
      const status = await readFile(`/proc/${gateway.pid}/status`, "utf8");
      return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024;
    };
    await writeFile(`/proc/${gateway.pid}/clear_refs`, "5");
    const before = await field("VmRSS");
    await work();
    return (await field("VmHWM")) - before;
  }

  /** A file of bytes that do not compress, made without holding it. */
  async function randomFile(path: string, bytes: number): Promise<void> {
    const [source, target] = [await open("/dev/urandom", "r"), await open(path, "w")];
    const buffer = Buffer.alloc(mebibyte);
    for (let written = 0; written < bytes; written += buffer.length) {
      await source.read(buffer);
      await target.write(buffer);
    }
    await Promise.all([source.close(), target.close()]);
  }

  test("a push of 300 MiB, and a clone of it, stay on disk", async () => {
    const work = join(folder.path, "work");
    await ok(git(["init", "-q", "-b", "main", work], folder.path));
    for (let index = 0; index < blobs; index++) await randomFile(join(work, `${index}.bin`), blobBytes);
    await ok(git(["-c", "core.bigFileThreshold=1m", "-c", "core.compression=0", "add", "-A"], work));
    await ok(git(["commit", "-q", "-m", "large"], work));
    const pushing = await growth(
      async () => void (await ok(git(["-c", "core.compression=0", "push", "-q", url, "main"], work))),
    );
    const cloning = await growth(
      async () => void (await ok(git(["clone", "-q", "--bare", url, join(folder.path, "clone")], folder.path))),
    );
    expect(pushing).toBeLessThan(allowedGrowth);
    expect(cloning).toBeLessThan(allowedGrowth);
  }, 280_000);

  test("a large file of 300 MiB passes both ways", async () => {
    const path = join(folder.path, "large.bin");
    await randomFile(path, blobs * blobBytes);
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
    const href = `${origin}/acme/large.git/info/lfs/objects/${hash.digest("hex")}`;
    const authorization = "Bearer alice-token";
    const uploading = await growth(async () => {
      const { size } = await stat(path);
      const response = await fetch(href, {
        method: "PUT",
        headers: { authorization, "content-length": String(size) },
        body: createReadStream(path),
        duplex: "half",
      });
      expect(response.status).toBe(200);
    });
    const downloading = await growth(async () => {
      const response = await fetch(href, { headers: { authorization } });
      let size = 0;
      for await (const chunk of response.body ?? []) size += chunk.length;
      expect(size).toBe(blobs * blobBytes);
    });
    expect(uploading).toBeLessThan(allowedGrowth);
    expect(downloading).toBeLessThan(allowedGrowth);
  }, 280_000);
});
