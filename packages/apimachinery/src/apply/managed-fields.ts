/**
 * `metadata.managedFields`: who owns which field, by which operation, since when.
 * Source: k8s.io/apimachinery/pkg/util/managedfields/internal.
 */
import type { ManagedFieldsEntry } from "@krate/kinds";
import type { JsonObject, JsonValue } from "../json.ts";
import { isObject } from "../json.ts";
import type { FieldSet } from "./field-set.ts";
import { decodeFieldSet, encodeFieldSet, union } from "./field-set.ts";

/** One owner: a manager by one operation on one subresource (and, for updates, in one version). */
export interface Owner {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  readonly fields: FieldSet;
  readonly time: string | undefined;
}

/** Owners by their identity. */
export type Owners = Map<string, Owner>;

/** Entries of updates beyond this number are merged, oldest first, into the manager `ancient-changes`. */
const maxUpdateManagers = 10;
const oldUpdatesManager = "ancient-changes";

/** Appliers keep one entry whatever version they apply; updates have one per version. */
export function identityOf({ manager, operation, apiVersion, subresource }: Omit<Owner, "fields" | "time">): string {
  return JSON.stringify([manager, operation, operation === "Apply" ? "" : apiVersion, subresource]);
}

/** @throws Error for an entry that is none; the caller decides whether that matters */
export function decodeOwners(entries: JsonValue | undefined): Owners {
  const owners: Owners = new Map();
  if (entries === undefined || entries === null) return owners;
  if (!Array.isArray(entries)) throw new Error("managedFields must be a list");
  for (const entry of entries) {
    if (!isObject(entry)) throw new Error("a managedFields entry must be an object");
    const { manager, operation, apiVersion, subresource, time, fieldsType, fieldsV1 } = entry;
    if (operation !== "Apply" && operation !== "Update") throw new Error("operation must be `Apply` or `Update`");
    if (typeof apiVersion !== "string" || apiVersion === "") throw new Error("apiVersion must not be empty");
    if (fieldsType !== "FieldsV1") throw new Error("fieldsType must be `FieldsV1`");
    const owner: Owner = {
      manager: typeof manager === "string" ? manager : "",
      operation,
      apiVersion,
      subresource: typeof subresource === "string" ? subresource : "",
      time: typeof time === "string" ? time : undefined,
      fields: decodeFieldSet(fieldsV1 ?? {}),
    };
    owners.set(identityOf(owner), owner);
  }
  return owners;
}

/** What is wrong with `metadata.managedFields`, if anything. */
export function validateManagedFields(entries: JsonValue | undefined): string | undefined {
  try {
    decodeOwners(entries);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** As `decodeOwners`, but what cannot be read counts as nothing owned. */
export function decodeOwnersOrNone(entries: JsonValue | undefined): Owners {
  try {
    return decodeOwners(entries);
  } catch {
    return new Map();
  }
}

/** The wire form in kube-apiserver's order: appliers first, then by time and name. */
export function encodeOwners(owners: Owners): JsonObject[] {
  return [...owners.values()]
    .sort(compareOwners)
    .map(({ manager, operation, apiVersion, time, subresource, fields }) => {
      const entry: ManagedFieldsEntry = { manager, operation, apiVersion };
      if (time !== undefined) entry.time = time;
      entry.fieldsType = "FieldsV1";
      entry.fieldsV1 = encodeFieldSet(fields);
      if (subresource !== "") entry.subresource = subresource;
      return entry as unknown as JsonObject;
    });
}

function compareOwners(a: Owner, b: Owner): number {
  return (
    compareTexts(a.operation, b.operation) ||
    compareTexts(a.time ?? "", b.time ?? "") ||
    compareTexts(a.manager, b.manager) ||
    compareTexts(a.apiVersion, b.apiVersion) ||
    compareTexts(a.subresource, b.subresource)
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Merges the oldest update entries until there are no more than ten. */
export function capUpdateManagers(owners: Owners): void {
  const updates = [...owners].filter(([, { operation }]) => operation === "Update");
  let count = updates.length;
  if (count <= maxUpdateManagers) return;
  updates.sort(([a, first], [b, second]) => compareTexts(first.time ?? "", second.time ?? "") || compareTexts(a, b));
  const firstOfVersion = new Map<string, string>();
  for (const [identity, owner] of updates) {
    if (count <= maxUpdateManagers) return;
    const first = firstOfVersion.get(owner.apiVersion);
    if (first === undefined) {
      firstOfVersion.set(owner.apiVersion, identity);
      continue;
    }
    const bucket: Owner = { ...owner, manager: oldUpdatesManager, subresource: "" };
    const before = owners.get(identityOf(bucket)) ?? owners.get(first);
    if (!owners.has(identityOf(bucket))) owners.delete(first);
    owners.delete(identity);
    owners.set(identityOf(bucket), { ...bucket, fields: union(owner.fields, before?.fields ?? owner.fields) });
    count--;
  }
}
