import { ApiError } from "@krate/kinds";
import type { FieldSet } from "./field-set.ts";
import { formatPath, pathsOf } from "./field-set.ts";
import type { Owner } from "./managed-fields.ts";

/** A field that an applied configuration sets to another value than the one its owner gave it. */
export interface Conflict {
  owner: Owner;
  path: readonly string[];
}

export function conflictsWith(owner: Owner, fields: FieldSet): Conflict[] {
  return [...pathsOf(fields)].map((path) => ({ owner, path }));
}

/**
 * 409 with one cause per field, in the words kubectl prints.
 * Source: k8s.io/apimachinery/pkg/util/managedfields/internal/conflict.go.
 */
export function applyConflict(conflicts: readonly Conflict[]): ApiError {
  return new ApiError("Conflict", messageOf(conflicts), {
    details: {
      causes: conflicts.map(({ owner, path }) => ({
        reason: "FieldManagerConflict",
        message: `conflict with ${describe(owner)}`,
        field: formatPath(path),
      })),
    },
  });
}

function messageOf(conflicts: readonly Conflict[]): string {
  const [first] = conflicts;
  if (conflicts.length === 1 && first !== undefined) {
    return `Apply failed with 1 conflict: conflict with ${describe(first.owner)}: ${formatPath(first.path)}`;
  }
  const byOwner = new Map<string, string[]>();
  for (const { owner, path } of conflicts) {
    const name = describe(owner);
    byOwner.set(name, [...(byOwner.get(name) ?? []), `- ${formatPath(path)}`]);
  }
  const texts = [...byOwner]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, paths]) => [`conflicts with ${name}:`, ...paths].join("\n"));
  return `Apply failed with ${conflicts.length} conflicts: ${texts.join("\n")}`;
}

function describe({ manager, operation, apiVersion, subresource }: Owner): string {
  const name = JSON.stringify(manager) + (subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`);
  return operation === "Update" ? `${name} using ${apiVersion}` : name;
}
