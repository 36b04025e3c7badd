/** What the Hooks tab shows: one row for each rule, webhook or policy, and one for each source they are read from. */
import type { Row } from "../live/rows.ts";

export type HookLayer = "git" | "webhooks" | "admission";

/**
 * enforce  refuses            audit  warns or records only      mutate   changes objects
 * active   delivers           failing  deliveries fail          off      does nothing at present
 * unknown  what decides it may not be read
 */
export type HookMode = "enforce" | "audit" | "mutate" | "active" | "failing" | "off" | "unknown";

/** The object behind a row. */
export interface HookObject {
  kind: string;
  /** `clusterpolicies.kyverno.io` */
  resource: string;
  name: string;
  namespace?: string;
}

export interface HookRow extends Row {
  type: "hook";
  layer: HookLayer;
  object: HookObject;
  /** Who evaluates it: Krate, Kubernetes, Kyverno, the program behind a webhook. */
  engine: string;
  mode: HookMode;
  /** What it does, in a few words. */
  what: string;
  /** Refs, events, kinds: what it is about. */
  about: string[];
  /** What only the request itself can tell. */
  onlyWhen: string[];
  /** What it tells people. */
  messages: string[];
  /** What happened lately: `3 refused today`. */
  count?: string;
  /** Why it does not work as written. */
  problem?: string;
}

/**
 * ready      read and followed          absent  the cluster has no such kind
 * forbidden  the user may not list it   failed  the API answered with another error
 */
export type SourceState = "loading" | "ready" | "absent" | "forbidden" | "failed";

export interface SourceRow extends Row {
  type: "source";
  layer: HookLayer;
  /** `clusterpolicies.kyverno.io` */
  resource: string;
  scope: "Cluster" | "Namespaced";
  state: SourceState;
  message?: string;
}

export type HookEntry = HookRow | SourceRow;

/** Everything of a row that follows from its object. `part` tells rows of one object apart. */
export function rowBase(object: HookObject, title: string, createdAt: string | undefined, part = ""): Row {
  const { resource, namespace = "", name } = object;
  return { name: title, uid: [resource, namespace, name, part].join("/"), createdAt: createdAt ?? "" };
}
