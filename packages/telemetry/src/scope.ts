import { randomUUID } from "node:crypto";
import type { Logger } from "./logger.ts";

/** 16 hexadecimal digits, unique enough to find one request or reconcile among all lines of a day. */
export function newId(): string {
  const uuid = randomUUID(); // Node draws these from a pool: 0.1 µs, where randomBytes(8) takes 10
  return uuid.slice(0, 8) + uuid.slice(24, 32);
}

/** The logger of one request; the id is what `X-Request-Id` or `Audit-ID` carried, or a new one. */
export function forRequest(log: Logger, requestID: string = newId()): Logger {
  return log.child({ requestID });
}

export interface ReconcileSubject {
  kind: string;
  namespace?: string;
  name: string;
}

/** The logger of one reconcile: names the object, and tells two reconciles of the same object apart. */
export function forReconcile(log: Logger, { kind, namespace, name }: ReconcileSubject): Logger {
  return log.child({ kind, ...(namespace === undefined ? {} : { namespace }), name, reconcileID: newId() });
}
