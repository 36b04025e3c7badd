/**
 * Discovery: which groups, versions and resources there are. Both forms clients know: one document per group-version, and the
 * aggregated one (apidiscovery.k8s.io/v2) that kubectl asks first.
 * Source: k8s.io/apimachinery/pkg/apis/meta/v1 (APIGroupList, APIResourceList), k8s.io/api/apidiscovery/v2.
 */
import { createHash } from "node:crypto";
import type { JsonObject } from "@krate/apimachinery";
import type { ServedResource, Subresource } from "../resources/resource.ts";
import { compareVersions } from "./versions.ts";

/** Versions of one group, preferred first. */
export interface Group {
  name: string;
  versions: string[];
}

/** Groups in the order of discovery: core, then as kube-apiserver ranks its own, then by name. */
export function groupsOf(resources: readonly ServedResource[]): Group[] {
  const versions = new Map<string, Set<string>>();
  for (const { group, version } of resources) {
    const known = versions.get(group);
    if (known === undefined) versions.set(group, new Set([version]));
    else known.add(version);
  }
  return [...versions]
    .map(([name, set]) => ({ name, versions: [...set].sort(compareVersions) }))
    .sort((a, b) => rankOf(a.name) - rankOf(b.name) || (a.name < b.name ? -1 : 1));
}

const builtInGroups = [
  "",
  "apiregistration.k8s.io",
  "events.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "rbac.authorization.k8s.io",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "coordination.k8s.io",
  "discovery.k8s.io",
];

function rankOf(group: string): number {
  const at = builtInGroups.indexOf(group);
  return at === -1 ? builtInGroups.length : at;
}

function groupVersion(group: string, version: string): string {
  return group === "" ? version : `${group}/${version}`;
}

function apiGroup({ name, versions }: Group): JsonObject {
  const entries = versions.map((version) => ({ groupVersion: groupVersion(name, version), version }));
  return { name, versions: entries, preferredVersion: entries[0] as JsonObject };
}

/** `/apis` */
export function apiGroupList(resources: readonly ServedResource[]): JsonObject {
  const groups = groupsOf(resources).filter(({ name }) => name !== "");
  return { kind: "APIGroupList", apiVersion: "v1", groups: groups.map(apiGroup) };
}

/** `/apis/<group>`; undefined when there is no such group. */
export function apiGroupDocument(resources: readonly ServedResource[], name: string): JsonObject | undefined {
  const group = groupsOf(resources).find((each) => each.name === name);
  return group === undefined || name === "" ? undefined : { kind: "APIGroup", apiVersion: "v1", ...apiGroup(group) };
}

/** `/api` */
export function apiVersions(serverAddress: string): JsonObject {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
  };
}

function inVersion(resources: readonly ServedResource[], group: string, version: string): ServedResource[] {
  return resources
    .filter((resource) => resource.group === group && resource.version === version)
    .sort((a, b) => (a.plural < b.plural ? -1 : 1));
}

/** kube-apiserver's hash only has to change when the stored kind does. */
function storageVersionHash({ storage, version, kind }: ServedResource): string {
  return createHash("sha256").update(`${storage.group}/${version}/${kind}`).digest().subarray(0, 8).toString("base64");
}

function subresourcesOf(resource: ServedResource): { name: string; subresource: Subresource }[] {
  const all = [...resource.subresources].map(([name, subresource]) => ({ name, subresource }));
  if (resource.hasStatus) {
    const { group, version, kind } = resource;
    const verbs = ["get", "patch", "update"] as const;
    all.push({ name: "status", subresource: { group, version, kind, verbs, connect: async () => {} } });
  }
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** `/api/v1` and `/apis/<group>/<version>`; undefined when nothing is served there. */
export function apiResourceList(
  resources: readonly ServedResource[],
  group: string,
  version: string,
): JsonObject | undefined {
  const found = inVersion(resources, group, version);
  if (found.length === 0) return undefined;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: groupVersion(group, version),
    resources: found.flatMap((resource) => [legacyResource(resource), ...legacySubresources(resource)]),
  };
}

function legacyResource(resource: ServedResource): JsonObject {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories, strategy } = resource;
  return {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: [...verbs],
    ...(shortNames.length > 0 && { shortNames: [...shortNames] }),
    ...(categories.length > 0 && { categories: [...categories] }),
    ...(strategy.answer === undefined && { storageVersionHash: storageVersionHash(resource) }),
  };
}

function legacySubresources(resource: ServedResource): JsonObject[] {
  return subresourcesOf(resource).map(({ name, subresource }) => ({
    name: `${resource.plural}/${name}`,
    singularName: "",
    namespaced: resource.namespaced,
    ...((subresource.group !== resource.group || subresource.version !== resource.version) && {
      group: subresource.group,
      version: subresource.version,
    }),
    kind: subresource.kind,
    verbs: [...subresource.verbs],
  }));
}

/** Aggregated discovery of the core group (`/api`) or of all others (`/apis`). */
export function groupDiscoveryList(resources: readonly ServedResource[], core: boolean): JsonObject {
  const groups = groupsOf(resources).filter(({ name }) => (name === "") === core);
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    metadata: {},
    items: groups.map(({ name, versions }) => ({
      metadata: { ...(name !== "" && { name }), creationTimestamp: null },
      versions: versions.map((version) => ({
        version,
        resources: inVersion(resources, name, version).map(discoveredResource),
        freshness: "Current",
      })),
    })),
  };
}

function discoveredResource(resource: ServedResource): JsonObject {
  const { plural, singular, namespaced, group, version, kind, verbs, shortNames, categories } = resource;
  const subresources = subresourcesOf(resource).map(({ name, subresource }) => ({
    subresource: name,
    responseKind: { group: subresource.group, version: subresource.version, kind: subresource.kind },
    verbs: [...subresource.verbs],
  }));
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? "Namespaced" : "Cluster",
    singularResource: singular,
    verbs: [...verbs],
    ...(shortNames.length > 0 && { shortNames: [...shortNames] }),
    ...(categories.length > 0 && { categories: [...categories] }),
    ...(subresources.length > 0 && { subresources }),
  };
}
