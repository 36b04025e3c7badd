/** Takes out of two answers what must differ: ids, times, orders that Go leaves to chance. */
import type { Answer } from "./asker.ts";
import { decided } from "./differences.ts";

const varying = new Set([
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "deletionTimestamp",
  "time",
  "selfLink",
  "storageVersionHash",
  "continue",
]);

type Members = Record<string, unknown>;

export function normalize(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalize);
  if (typeof value !== "object" || value === null) return typeof value === "string" ? normalizeText(value) : value;
  const members = value as Members;
  const entries = Object.entries(members["kind"] === "Status" ? withPlainCauses(members) : members).map(
    ([key, member]) => [key, key === "managedFields" ? sorted(member) : member] as const,
  );
  return Object.fromEntries(
    entries
      .filter(([key, member]) => member !== undefined && !isFiller(key, member))
      .map(([key, member]) => [key, varying.has(key) && typeof member === "string" ? `<${key}>` : normalize(member)]),
  );
}

/** What one of the two says where the other says nothing, meaning the same. */
function isFiller(key: string, member: unknown): boolean {
  return (key === "continue" && member === "") || (key === "reason" && member === "InternalError");
}

interface Cause {
  reason?: string;
  field?: string;
  message?: string;
}

/**
 * A message only repeats the causes, which come in the order of a Go map, some of them twice, and with one about rules that were not
 * checked: what is left are the causes, each once, in order.
 */
function withPlainCauses(status: Members): Members {
  const details = status["details"] as { causes?: Cause[] } | undefined;
  if (details?.causes === undefined) return status;
  const texts = details.causes
    .filter(
      ({ field, message }) =>
        !(field === "<nil>" && /rules were not checked|^Invalid value: "": Checked/.test(message ?? "")),
    )
    .map((cause) => JSON.stringify([cause.field ?? "", cause.message ?? "", cause.reason ?? ""]));
  const causes = [...new Set(texts)].sort().map((text) => JSON.parse(text) as unknown);
  return {
    ...status,
    message: String(status["message"])
      .split(/ is invalid: |: conflict/)[0]
      ?.replace(/ conflicts: .*/s, " conflicts"),
    details: { ...details, causes },
  };
}

/** Entries are ordered by time first, to the second: which comes first depends on when a second ends. */
function sorted(entries: unknown): unknown {
  if (!Array.isArray(entries)) return entries;
  const key = ({ manager, operation, subresource = "" }: Record<string, string>) =>
    `${manager} ${operation} ${subresource}`;
  return [...(entries as Record<string, string>[])].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function normalizeText(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<uid>")
    .replace(/in record \(\d+\)/g, "in record (<resourceVersion>)")
    .replace(/current: \d+/g, "current: <resourceVersion>")
    .replace(/^\d+s$/, "<age>");
}

export function compare(theirs: Answer, ours: Answer, step: string): { expected: unknown; received: unknown } {
  const difference = decided[step];
  if (difference === undefined) return { expected: normalize(theirs), received: normalize(ours) };
  if (typeof difference === "string") return { expected: theirs.status, received: ours.status };
  return { expected: [difference.theirs, difference.ours], received: [theirs.status, ours.status] };
}
