/**
 * Server-side apply and the bookkeeping of every other write.
 *
 * On apply the configuration is merged into the live object; fields that this manager applied before, does not apply now, and nobody else owns are
 * removed; a field that another manager owns with another value is a conflict unless forced, and then changes hands. On every other write the
 * fields that changed belong to whoever wrote, and leave all others.
 *
 * Source: KEP-555, k8s.io/apimachinery/pkg/util/managedfields, sigs.k8s.io/structured-merge-diff/v6/merge/update.go.
 */
import { badRequest } from "@krate/kinds";
import type { JsonObject, JsonValue } from "../json.ts";
import { dig, equalJson, isObject } from "../json.ts";
import type { Schema } from "../schema/types.ts";
import { typeErrors } from "./check-types.ts";
import type { Comparison } from "./compare.ts";
import { compareObjects } from "./compare.ts";
import type { Conflict } from "./conflict.ts";
import { applyConflict, conflictsWith } from "./conflict.ts";
import type { FieldSet } from "./field-set.ts";
import { difference, differenceBelow, emptySet, fieldSetOf, intersection, isEmpty, union } from "./field-set.ts";
import { allowedByLastApplied, withLastApplied } from "./last-applied.ts";
import type { Owner, Owners } from "./managed-fields.ts";
import { capUpdateManagers, decodeOwners, decodeOwnersOrNone, encodeOwners, identityOf } from "./managed-fields.ts";
import { mergeApplied, removeFields } from "./merge.ts";
import { toFieldSet, withNamedParents } from "./to-field-set.ts";

export interface FieldManagerOptions {
  /** The linked schema of the whole object (`CompiledSchema.schema`); without one, maps merge and lists are atomic. */
  schema: Schema | undefined;
  /** Version of the request, e.g. `forge.krate.a5c.ai/v1alpha1`. */
  apiVersion: string;
  /** The `fieldManager` parameter, or what comes before the slash of the user agent. */
  manager: string;
  now: Date;
  /** @defaultValue '' for the object itself */
  subresource?: string;
  /**
   * Top-level fields that this request cannot write and so cannot own.
   * @defaultValue `status` on the object itself, `metadata` and `spec` on `status`
   */
  resetFields?: readonly string[];
}

/** Fields that the server sets belong to nobody. */
const systemFields = fieldSetOf(
  ["f:apiVersion"],
  ["f:kind"],
  ["f:metadata"],
  ...[
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
  ].map((name) => ["f:metadata", `f:${name}`]),
);

const beforeFirstApply = "before-first-apply";

function resetSet({ resetFields, subresource = "" }: FieldManagerOptions): FieldSet {
  const names = resetFields ?? (subresource === "" ? ["status"] : subresource === "status" ? ["metadata", "spec"] : []);
  return fieldSetOf(...names.map((name) => [`f:${name}`]));
}

function timeOf(now: Date): string {
  return `${now.toISOString().slice(0, 19)}Z`;
}

function withoutManagedFields(object: JsonObject): JsonObject {
  if (!isObject(object.metadata) || object.metadata.managedFields === undefined) return object;
  const { managedFields: _managedFields, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function withOwners(object: JsonObject, owners: Owners): JsonObject {
  if (owners.size === 0) return withoutManagedFields(object);
  const metadata = isObject(object.metadata) ? object.metadata : {};
  return { ...object, metadata: { ...metadata, managedFields: encodeOwners(owners) } };
}

/** `[{}]` in a request asks to forget who owns what; `[]` does not, so that clients that do not know the field cannot do it by accident. */
function isReset(entries: JsonValue | undefined): boolean {
  if (!Array.isArray(entries)) return false;
  return entries.length === 1 && isObject(entries[0]) && Object.keys(entries[0]).length === 0;
}

function ownersForUpdate(live: JsonObject | undefined, next: JsonObject, subresource: string): Owners {
  const stored = dig(live, "metadata", "managedFields");
  const sent = dig(next, "metadata", "managedFields");
  if (subresource !== "") return decodeOwnersOrNone(stored);
  if (isReset(sent)) return new Map();
  const fromRequest = decodeOwnersOrNone(sent);
  return fromRequest.size > 0 ? fromRequest : decodeOwnersOrNone(stored);
}

/** Whether the list was written by a client on purpose or is absent: an object whose tracking was reset stays untracked until the next apply. */
function isTracked(owners: Owners, live: JsonObject | undefined): boolean {
  return owners.size > 0 || dig(live, "metadata", "uid") === undefined;
}

/**
 * The object of a create, update or patch with its managedFields brought up to date. `live` is the stored object, undefined on create; `next` is
 * what is about to be stored, defaults set, admission still to come. Neither is changed.
 */
export function trackUpdate(live: JsonObject | undefined, next: JsonObject, options: FieldManagerOptions): JsonObject {
  const { apiVersion, subresource = "", now } = options;
  const owners = ownersForUpdate(live, next, subresource);
  const plain = withoutManagedFields(next);
  if (!isTracked(owners, live)) return plain;
  const comparison = compareObjects(withoutManagedFields(live ?? {}), plain, options.schema);
  recordUpdate(owners, comparison, resetSet(options), {
    manager: options.manager === "" ? "unknown" : options.manager,
    operation: "Update",
    apiVersion,
    subresource,
    fields: emptySet,
    time: timeOf(now),
  });
  capUpdateManagers(owners);
  return withOwners(plain, owners);
}

/** Gives the changed fields to the writer and takes them from everybody else. */
function recordUpdate(owners: Owners, comparison: Comparison, reset: FieldSet, writer: Owner): void {
  const written = differenceBelow(union(comparison.added, comparison.modified), reset);
  const gone = union(written, differenceBelow(comparison.removed, reset));
  takeFrom(owners, gone, undefined);
  const fields = difference(written, systemFields);
  if (isEmpty(fields)) return;
  const identity = identityOf(writer);
  const before = owners.get(identity)?.fields ?? emptySet;
  owners.set(identity, { ...writer, fields: union(fields, before) });
}

function takeFrom(owners: Owners, fields: FieldSet, except: string | undefined): void {
  if (isEmpty(fields)) return;
  for (const [identity, owner] of owners) {
    if (identity === except) continue;
    const rest = difference(owner.fields, fields);
    if (isEmpty(rest)) owners.delete(identity);
    else if (rest !== owner.fields) owners.set(identity, { ...owner, fields: rest });
  }
}

export interface ApplyOptions extends FieldManagerOptions {
  /** Take fields from other managers instead of failing. @defaultValue false */
  force?: boolean;
}

/**
 * The live object (undefined on create) after applying a configuration, with managedFields. Defaults are still to be set. Neither argument is
 * changed; an apply that changes nothing keeps the times it found.
 *
 * @throws badRequest for a configuration of another version, with managedFields, or with list items that cannot be told apart;
 *   Conflict (409) with a FieldManagerConflict cause per field
 */
export function applyConfiguration(
  live: JsonObject | undefined,
  configuration: JsonObject,
  options: ApplyOptions,
): JsonObject {
  checkConfiguration(configuration, options);
  const stored = live ?? {};
  const owners = readOwners(stored);
  const plain = withoutManagedFields(stored);
  if (owners.size === 0 && live !== undefined) recordBeforeFirstApply(owners, plain, options);
  const applied = apply(plain, configuration, owners, options);
  const { manager } = options;
  return manager === "kubectl" ? withLastApplied(applied, configuration) : applied;
}

function checkConfiguration(configuration: JsonObject, { apiVersion, manager, schema }: ApplyOptions): void {
  if (manager === "") throw badRequest("fieldManager is required for apply requests");
  if (configuration.apiVersion !== apiVersion) {
    throw badRequest(
      `Incorrect version specified in apply patch. Specified patch version: ${String(configuration.apiVersion)}, expected: ${apiVersion}`,
    );
  }
  const [problem] = typeErrors(configuration, schema);
  if (problem !== undefined) throw untyped(configuration, problem);
  const managed = dig(configuration, "metadata", "managedFields");
  if (managed !== undefined && managed !== null) throw badRequest("metadata.managedFields must be nil");
}

function readOwners(stored: JsonObject): Owners {
  try {
    return decodeOwners(dig(stored, "metadata", "managedFields"));
  } catch (cause) {
    throw badRequest(
      `failed to decode managed fields: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    );
  }
}

/** What an object that was never tracked holds belongs, from its first apply on, to a manager of its own. */
function recordBeforeFirstApply(owners: Owners, plain: JsonObject, options: ApplyOptions): void {
  const { apiVersion, subresource = "", now, schema } = options;
  const empty = { apiVersion: plain.apiVersion, kind: plain.kind };
  recordUpdate(owners, compareObjects(empty, plain, schema), resetSet(options), {
    manager: beforeFirstApply,
    operation: "Update",
    apiVersion,
    subresource,
    fields: emptySet,
    time: timeOf(now),
  });
}

function apply(plain: JsonObject, configuration: JsonObject, owners: Owners, options: ApplyOptions): JsonObject {
  const { schema, apiVersion, manager, subresource = "", now } = options;
  const reset = resetSet(options);
  const identity = identityOf({ manager, operation: "Apply", apiVersion, subresource });
  const before = owners.get(identity);
  const claimed = differenceBelow(toFieldSet(configuration, schema), reset);
  const applier: Owner = { manager, operation: "Apply", apiVersion, subresource, fields: claimed, time: before?.time };
  owners.set(identity, applier);
  const merged = prune(merge(plain, configuration, schema), owners, before?.fields, schema);
  const comparison = compareObjects(plain, merged, schema);
  const changed = differenceBelow(union(comparison.added, comparison.modified), reset);
  settleConflicts(owners, identity, changed, plain, options);
  takeFrom(owners, union(changed, differenceBelow(comparison.removed, reset)), identity);
  const fields = difference(claimed, systemFields);
  const isSame = equalJson(plain, merged);
  if (isEmpty(fields)) owners.delete(identity);
  else owners.set(identity, { ...applier, fields, time: isSame ? before?.time : timeOf(now) });
  return withOwners(isSame ? plain : merged, owners);
}

function merge(plain: JsonObject, configuration: JsonObject, schema: Schema | undefined): JsonObject {
  try {
    return mergeApplied(plain, configuration, schema);
  } catch (cause) {
    throw untyped(configuration, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** kube-apiserver answers 500 here, although the mistake is the client's. */
function untyped(configuration: JsonObject, problem: string, cause?: unknown): Error {
  const namespace = dig(configuration, "metadata", "namespace");
  const name = String(dig(configuration, "metadata", "name") ?? "");
  const subject = typeof namespace === "string" ? `${namespace}/${name}` : name;
  const type = `${String(configuration.apiVersion)}, Kind=${String(configuration.kind)}`;
  return badRequest(`failed to create typed patch object (${subject}; ${type}): ${problem}`, cause);
}

function settleConflicts(
  owners: Owners,
  self: string,
  changed: FieldSet,
  plain: JsonObject,
  options: ApplyOptions,
): void {
  if (options.force) return;
  let conflicts: Conflict[] = [];
  for (const [identity, owner] of [...owners].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (identity === self) continue;
    const shared = intersection(owner.fields, changed);
    if (!isEmpty(shared)) conflicts.push(...conflictsWith(owner, shared));
  }
  if (conflicts.length > 0 && options.manager === "kubectl")
    conflicts = allowedByLastApplied(conflicts, plain, options);
  if (conflicts.length > 0) throw applyConflict(conflicts);
}

/**
 * Removes what this manager applied last time and does not apply now, unless somebody else owns it. Three steps, as in structured-merge-diff:
 * take away everything applied last time; put back what any owner claims now; put back what was taken along but was never applied.
 */
function prune(merged: JsonObject, owners: Owners, last: FieldSet | undefined, schema: Schema | undefined): JsonObject {
  if (last === undefined || isEmpty(last)) return merged;
  const lastNamed = withNamedParents(last, schema);
  const mergedSet = withNamedParents(toFieldSet(merged, schema), schema);
  const stripped = removeFields(merged, lastNamed, schema);
  let owned: FieldSet = emptySet;
  for (const owner of owners.values()) owned = union(owned, owner.fields);
  const kept = union(withNamedParents(toFieldSet(stripped, schema), schema), withNamedParents(owned, schema));
  const restored = removeFields(merged, difference(mergedSet, kept), schema);
  const restoredSet = withNamedParents(toFieldSet(restored, schema), schema);
  return removeFields(merged, intersection(difference(mergedSet, restoredSet), lastNamed), schema);
}
