import { createHash } from "node:crypto";
import { badRequest } from "@krate/kinds";
import type { Scope } from "./store.ts";

/** Where the next page of a list starts, and what the list is. */
export interface ContinuePosition {
  /** The revision of the first page: every page is the state at it. `newest`: that state is forgotten, go on with what is there. */
  revision: bigint;
  /** The last object of the page before. */
  namespace: string;
  name: string;
  /** How many objects follow, where known. */
  remaining: number | undefined;
}

/** As kube-apiserver marks such a token. */
export const newest = -1n;

type Wire = [version: 1, revision: string, namespace: string, name: string, remaining: number, scope: string];

/** An opaque token; it only works for the scope it was made for. */
export function formatContinue(scope: Scope, position: ContinuePosition): string {
  const { revision, namespace, name, remaining } = position;
  const wire: Wire = [1, revision.toString(), namespace, name, remaining ?? -1, fingerprint(scope)];
  return Buffer.from(JSON.stringify(wire)).toString("base64url");
}

/** Throws BadRequest when the token is broken, or belongs to another list. */
export function parseContinue(scope: Scope, token: string): ContinuePosition {
  const wire = decode(token);
  if (!wire) throw badRequest("continue key is not valid: it must be the metadata.continue of the page before");
  const [, revision, namespace, name, remaining, made] = wire;
  if (made !== fingerprint(scope)) {
    throw badRequest("continue key is not valid for this list: resource, namespace and selectors must stay the same");
  }
  return { revision: BigInt(revision), namespace, name, remaining: remaining < 0 ? undefined : remaining };
}

function decode(token: string): Wire | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(token, "base64url").toString());
  } catch {
    return undefined; // not one of ours: the caller says so
  }
  if (!Array.isArray(value) || value.length !== 6 || value[0] !== 1) return undefined;
  const [, revision, namespace, name, remaining, scope] = value as unknown[];
  const texts = [namespace, name, scope].every((each) => typeof each === "string");
  const number = typeof revision === "string" && /^(?:\d{1,19}|-1)$/.test(revision) && Number.isSafeInteger(remaining);
  return texts && number ? (value as Wire) : undefined;
}

function fingerprint({ group, resource, namespace, selector }: Scope): string {
  const parts = [group, resource, namespace ?? null, selector?.labels ?? [], selector?.fields ?? []];
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url").slice(0, 12);
}
