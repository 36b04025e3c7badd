import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

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
  if (!ownerIsAlive(file)) rmSync(file, { force: true });
  return false;
}

function ownerIsAlive(file) {
  let owner;
  try {
    owner = Number(readFileSync(file, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return true; // released just now: ask again
    throw error;
  }
  if (!Number.isInteger(owner) || owner <= 0) return true; // being written just now
  try {
    process.kill(owner, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM"; // alive, and another user's
  }
}
