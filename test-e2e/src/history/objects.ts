/** The two resources a run is about, on the wire: one of the core kinds and one record. */
import type { Resource, Scope, Seen, State } from "./record.ts";

export const namespaces = ["history-a", "history-b"] as const;
const names = ["one", "two", "three"] as const;

/** The objects everybody fights for. */
export const keys: readonly string[] = namespaces.flatMap((namespace) => names.map((name) => `${namespace}/${name}`));
export const colors = ["red", "blue"] as const;

const prefix = "history.test/";
const colorLabel = "history.test/color";

interface Kind {
  apiVersion: string;
  kind: string;
  root: string;
  /** What it needs beside its metadata. */
  content: Record<string, unknown>;
}

const kinds: Record<Resource, Kind> = {
  configmaps: { apiVersion: "v1", kind: "ConfigMap", root: "/api/v1", content: { data: { text: "x".repeat(200) } } },
  issues: {
    apiVersion: "forge.krate.a5c.ai/v1alpha1",
    kind: "Issue",
    root: "/apis/forge.krate.a5c.ai/v1alpha1",
    content: { spec: { organizationRef: "demo", title: "history" } },
  },
};

export function collectionPath(resource: Resource, namespace: string | undefined): string {
  const { root } = kinds[resource];
  return namespace === undefined ? `${root}/${resource}` : `${root}/namespaces/${namespace}/${resource}`;
}

export function objectPath(resource: Resource, key: string): string {
  const [namespace, name] = key.split("/") as [string, string];
  return `${collectionPath(resource, namespace)}/${name}`;
}

/** Query of a list or watch. */
export function scopeQuery({ color }: Scope): Record<string, string> {
  return color === undefined ? {} : { labelSelector: `${colorLabel}=${color}` };
}

export function manifest(resource: Resource, key: string, state: State, resourceVersion?: number): unknown {
  const { apiVersion, kind, content } = kinds[resource];
  const [namespace, name] = key.split("/") as [string, string];
  const version = resourceVersion === undefined ? {} : { resourceVersion: String(resourceVersion) };
  return { apiVersion, kind, metadata: { name, namespace, ...version, ...metadataOf(state) }, ...content };
}

/** A merge patch that adds marks. */
export function patchOf(state: State, resourceVersion?: number): unknown {
  const version = resourceVersion === undefined ? {} : { resourceVersion: String(resourceVersion) };
  return { metadata: { ...version, ...metadataOf(state) } };
}

function metadataOf({ marks, color }: State) {
  const annotations = Object.fromEntries(Object.entries(marks).map(([mark, id]) => [prefix + mark, id]));
  return { annotations, ...(color !== "" && { labels: { [colorLabel]: color } }) };
}

interface Wire {
  metadata: {
    name: string;
    namespace?: string;
    resourceVersion: string;
    annotations?: Record<string, string>;
    labels?: Record<string, string>;
  };
}

/** @throws Error when it is not an object with a resourceVersion */
export function seenOf(object: unknown): Seen {
  const { metadata } = object as Wire;
  const marks = Object.entries(metadata.annotations ?? {}).flatMap(([name, value]) =>
    name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
  );
  return {
    key: `${metadata.namespace ?? ""}/${metadata.name}`,
    revision: revisionOf(metadata.resourceVersion),
    state: { marks: Object.fromEntries(marks), color: metadata.labels?.[colorLabel] ?? "" },
  };
}

export function revisionOf(resourceVersion: unknown): number {
  if (typeof resourceVersion === "string" && /^\d{1,15}$/.test(resourceVersion)) return Number(resourceVersion);
  throw new Error(`not a comparable resourceVersion: ${JSON.stringify(resourceVersion)}`);
}
