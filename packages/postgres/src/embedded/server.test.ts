import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import pg from "pg";
import { clientConfig } from "../connection.ts";
import { isAlive, readPostmasterPid } from "./postmaster-pid.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "./server.ts";

jest.setTimeout(60_000); // several starts and stops of a real server

describe("startEmbeddedPostgres", () => {
  let folder: string;
  const started: EmbeddedPostgres[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "krate-embedded-"));
    await chmod(folder, 0o711); // as root, the server's account must be able to enter it
  });
  afterEach(async () => {
    for (const server of started.splice(0)) await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(dataDir = join(folder, "data")): Promise<EmbeddedPostgres> {
    const server = await startEmbeddedPostgres({ dataDir });
    started.push(server);
    return server;
  }
  async function query(server: EmbeddedPostgres, sql: string): Promise<unknown[]> {
    const client = new pg.Client(clientConfig(server.connection, { applicationName: "server.test" }));
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  test("a second start finds the data of the first, and fsync is on", async () => {
    const first = await start();
    await query(first, "create table kept as select 7 as value");
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);

    const second = await start();
    expect(second.adopted).toBe(false);
    expect(await query(second, "select value, current_setting('fsync') as fsync from kept")).toEqual([
      { value: 7, fsync: "on" },
    ]);
  });

  test("adopts the server of a launcher that was killed, and stops it", async () => {
    const dataDir = join(folder, "data");
    const module = JSON.stringify(new URL("./server.ts", import.meta.url));
    const launcher = spawn(
      process.execPath,
      [
        "--conditions=development",
        "--input-type=module",
        "--eval",
        `const { startEmbeddedPostgres } = await import(${module});
         await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)} });
         console.log("ready"); setInterval(() => {}, 1000);`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    await once(launcher.stdout, "data");
    launcher.kill("SIGKILL");
    const orphan = readPostmasterPid(dataDir)?.pid;

    const server = await start();
    expect(server).toMatchObject({ pid: orphan, adopted: true });
    expect(await query(server, "select 1 as one")).toEqual([{ one: 1 }]);
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
  });

  test("removes a pid file that names a stranger's process", async () => {
    const dataDir = join(folder, "data");
    await (await start()).stop();
    await writeFile(join(dataDir, "postmaster.pid"), `${process.pid}\n${dataDir}\n0\n5432\n${dataDir}\n\n\nready\n`);
    const server = await start();
    expect(server.pid).not.toBe(process.pid);
  });

  test("works below a folder whose path is too long for a socket", async () => {
    const server = await start(join(folder, "d".repeat(120), "data"));
    expect(server.connection.host.length).toBeLessThan(100);
    expect(await query(server, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("works below a folder that only its owner may enter", async () => {
    await chmod(folder, 0o700);
    const server = await start();
    expect(await query(server, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("refuses a folder that holds something else", async () => {
    await mkdir(join(folder, "data"));
    await writeFile(join(folder, "data", "letter.txt"), "mine");
    await expect(start()).rejects.toThrow("is not a Postgres data folder and is not empty");
  });
});
