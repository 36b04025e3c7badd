import { setTimeout as delay } from "node:timers/promises";
import type { ControlPlaneInfo } from "./start.ts";

/** True while a process with this id exists (also one of another user). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** True when etcd or kube-apiserver lives: the owner's id alone could by now belong to a stranger. */
export function isRunning({ pids }: ControlPlaneInfo): boolean {
  return Object.entries(pids).some(([name, pid]) => name !== "owner" && isAlive(pid));
}

/**
 * Asks the process that owns the control plane to end it, and waits until all of it is gone. What describes one that
 * runs no more (its machine was switched off) is left alone.
 *
 * @throws Error that names what is still there after 15 s.
 */
export async function stopControlPlane(info: ControlPlaneInfo): Promise<void> {
  if (!isRunning(info)) return;
  const { owner } = info.pids;
  if (owner !== undefined && isAlive(owner)) process.kill(owner, "SIGTERM");
  const deadline = performance.now() + 15_000;
  const left = () => Object.entries(info.pids).filter(([, pid]) => isAlive(pid));
  while (left().length > 0) {
    if (performance.now() > deadline)
      throw new Error(`still running after 15 s: ${left().map(([name, pid]) => `${name} (pid ${pid})`)}`);
    await delay(50);
  }
}
