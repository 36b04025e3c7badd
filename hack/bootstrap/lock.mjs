import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive } from "./process.mjs";

const pollMilliseconds = 200;

/**
 * Runs `work` while no other process of this machine holds `file`. The file names its owner's process id; one whose owner
 * is gone is taken over, so a killed start blocks nobody.
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, work) {
  mkdirSync(dirname(file), { recursive: true });
  while (!tryTake(file)) await sleep(pollMilliseconds);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function tryTake(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  const owner = readOwner(file);
  if (owner !== undefined && !isAlive(owner)) removeAbandoned(file, owner);
  return false;
}

/** Of two that saw the same dead owner, the slower may find the lock of the faster here: it puts that back. */
function removeAbandoned(file, owner) {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (error.code === "ENOENT") return; // the other one was faster
    throw error;
  }
  if (readOwner(aside) === owner) rmSync(aside);
  else renameSync(aside, file);
}

/** @returns the process id in the file; undefined when it is just being written or was just removed. */
function readOwner(file) {
  try {
    const owner = Number(readFileSync(file, "utf8"));
    return Number.isInteger(owner) && owner > 0 ? owner : undefined;
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}
