/** Real processes, as the node itself is: what is tested is what /bin/sh, /proc and signals do together. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { eventually, type TemporaryFolder, temporaryFolder } from "@krate/testing";
import { makePodFolder } from "./pod-folder.ts";
import { processesOfPod, signalProcess } from "./proc.ts";
import { PodProcesses } from "./processes.ts";
import type { ProcessRecord } from "./record.ts";

let root: TemporaryFolder;
let opened: PodProcesses[];

beforeEach(async () => {
  root = await temporaryFolder("processes");
  opened = [];
});

afterEach(async () => {
  for (const uid of opened[0]?.folders() ?? []) await opened[0]?.remove(uid);
  for (const one of opened) one.close();
  await root.remove();
});

function open(ended: ProcessRecord[] = []): PodProcesses {
  const processes = new PodProcesses(root.path, undefined, (record) => ended.push(record));
  processes.open();
  opened.push(processes);
  return processes;
}

function start(processes: PodProcesses, uid: string, script: string, env: Record<string, string> = {}): ProcessRecord {
  const folder = processes.folder(uid);
  makePodFolder(folder, { own: [], given: [] }, undefined);
  const pod = { uid, namespace: "team", name: `pod-${uid}`, container: "main" };
  const command = ["/bin/sh", "-c", script];
  return processes.start({ ...pod, command, env: { PATH: "/usr/bin:/bin", MESSAGE: folder.result, ...env } });
}

const endOf = (record: ProcessRecord) => eventually(() => record.end, { description: "the end of the process" });
const logOf = (processes: PodProcesses, uid: string) => readFileSync(processes.folder(uid).log, "utf8");

test("a process ends with its exit code, its output is in the log and its message in the record", async () => {
  const ended: ProcessRecord[] = [];
  const processes = open(ended);
  const record = start(processes, "u1", "echo out; echo err >&2; printf 'half done' >$MESSAGE; exit 3");
  expect(await endOf(record)).toMatchObject({ exitCode: 3, reason: "Error", message: "half done" });
  expect(logOf(processes, "u1")).toBe("out\nerr\n");
  expect(ended).toEqual([record]);
});

test("nothing of the node's own environment reaches a container", async () => {
  const processes = open();
  await endOf(start(processes, "u1", "env | cut -d= -f1 | sort | tr '\\n' ' '"));
  expect(
    logOf(processes, "u1")
      .trim()
      .split(" ")
      .filter((name) => !["_", "OLDPWD"].includes(name)),
  ).toEqual(["KRATE_POD_UID", "MESSAGE", "PATH", "PWD"]);
});

test("a process is found again by the next node, and its exit code is known", async () => {
  const first = open();
  start(first, "u1", 'echo ready; while [ ! -e "$GO" ]; do sleep 0.02; done; exit 5', { GO: `${root.path}/go` });
  await eventually(() => logOf(first, "u1") === "ready\n");
  first.close();
  const second = open();
  const record = second.get("u1") as ProcessRecord;
  expect(record.end).toBeUndefined();

  writeFileSync(`${root.path}/go`, "");
  expect(await endOf(record)).toMatchObject({ exitCode: 5, reason: "Error" });
});

test("a process that ended while no node looked is not lost", async () => {
  const first = open();
  first.close();
  start(first, "u1", "exit 0");
  await eventually(() => processesOfPod("u1").length === 0);
  expect(await endOf(open().get("u1") as ProcessRecord)).toMatchObject({ exitCode: 0, reason: "Completed" });
});

test("a process that somebody killed together with its shell is lost", async () => {
  const record = start(open(), "u1", "sleep 60");
  signalProcess(-(record.pid as number), "SIGKILL");
  expect(await endOf(record)).toMatchObject({ exitCode: 137, reason: "Lost" });
});

test("a process that is told to stop may end its own way", async () => {
  const processes = open();
  const record = start(processes, "u1", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.02; done");
  await eventually(() => logOf(processes, "u1") === "ready\n");
  processes.stop("u1", "Deleted", 60);
  expect(await endOf(record)).toMatchObject({ exitCode: 7, reason: "Error" });
});

test("one that does not stop within its grace period is killed, with everything it started", async () => {
  const processes = open();
  const record = start(processes, "u1", "trap '' TERM; setsid sleep 60 & echo ready; while :; do sleep 0.02; done");
  await eventually(() => logOf(processes, "u1") === "ready\n");
  processes.stop("u1", "DeadlineExceeded", 0);
  expect(await endOf(record)).toMatchObject({ exitCode: 137, reason: "DeadlineExceeded" });
  await eventually(() => processesOfPod("u1").length === 0, { description: "the end of what it started" });
});

test("what a command left running ends with it", async () => {
  await endOf(start(open(), "u1", "sleep 60 & exit 0"));
  await eventually(() => processesOfPod("u1").length === 0);
});

test("a removed Pod leaves neither processes nor files", async () => {
  const processes = open();
  start(processes, "u1", "sleep 60");
  await processes.remove("u1");
  await eventually(() => processesOfPod("u1").length === 0);
  expect(processes.folders()).toEqual([]);
  expect(processes.get("u1")).toBeUndefined();
});

test("an environment that no process can have is a failure of the Pod, not of the node", async () => {
  const record = start(open(), "u1", "true", { LARGE: "x".repeat(200_000) });
  expect(await endOf(record)).toMatchObject({ exitCode: 128, reason: "ContainerCannotRun" });
});

test("a message may be replaced in one step", async () => {
  const record = start(open(), "u1", 'echo whole >"$MESSAGE.new"; mv "$MESSAGE.new" "$MESSAGE"');
  expect(await endOf(record)).toMatchObject({ exitCode: 0, message: "whole\n" });
});

test.each(["ln -s", "ln"])(
  "a container that puts a link where its message belongs does not make the node read what is behind it (%s)",
  async (link) => {
    const secret = join(root.path, "secret");
    writeFileSync(secret, "of the host");
    const record = start(open(), "u1", `${link} -f ${secret} "$MESSAGE"`);
    expect(await endOf(record)).toMatchObject({ exitCode: 0, message: "" });
  },
);
