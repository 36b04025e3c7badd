/** Takes out of two answers what must differ, and what is known to. */
interface Answer {
  status: number;
  body: unknown;
}

const clearer = "says the same more plainly";
const scaleOwners =
  "a write of scale belongs to nobody here; kube-apiserver makes its writer the owner of spec.replicas";
const noRuleNotice = "kube-apiserver adds a second cause that says rules were not checked";
const zeros = "zero values of Go structs are not stored, and no controller manager runs beside";
const unowned = "reviews are not stored: who owns their fields is of no use to anybody";

/** Differences that are decided: only the status code is compared, or not even that. */
export const decided: Readonly<Record<string, string | { why: string; theirs: number; ours: number }>> = {
  "another kind": clearer,
  "another version": clearer,
  "a broken body": clearer,
  "a resourceVersion on create": { why: "the client's mistake, not the server's", theirs: 500, ours: 400 },
  "another media type": "protobuf is taken for core kinds and not advertised",
  "a bad label": "the order of labels is random in Go",
  "an unacceptable Accept": clearer,
  "JSON patch that fails its test": clearer,
  "JSON patch of nowhere": clearer,
  "JSON patch of a wrong shape": clearer,
  "a patch with another uid": "kube-apiserver says it twice",
  "a patch of a wrong type": clearer,
  "a patch without media type": clearer,
  "a list by a field that is not selectable": "kube-apiserver has several texts for this, here is one",
  "a broken label selector": clearer,
  "a negative limit": "items carry their kind, as those of custom resources do",
  "a broken continue": clearer,
  "a broken resourceVersion": clearer,
  "may I": unowned,
  "may nobody": unowned,
  "whose token is this": unowned,
  "its Table": "a shorter description of the Name column",
  "its list": "no empty continue",
  "a missing field": noRuleNotice,
  "a wrong enum": noRuleNotice,
  "a wrong type": noRuleNotice,
  "below the minimum": "kube-apiserver checks the scale path besides",
  "several errors": noRuleNotice,
  "apply a custom resource": scaleOwners,
  "another finalizer": "kube-apiserver says it twice",
  "the collection goes": scaleOwners,
  "an Event": zeros,
  "the Event in its other group": zeros,
  "a Node": "the taint and zero values of a node that has not reported",
  "its status": zeros,
  "a second condition merges by type": zeros,
  Nodes: zeros,
  "its container runs": zeros,
  "its spec may not change": "kube-apiserver appends a Go diff",
  "deleted with grace": zeros,
  "deleted at once": zeros,
  generateName: "the suffix is random",
  "a policy that does not compile": "another parser's words",
  "a policy": zeros,
  "a binding": "a pointer in Go is owned itself",
  "the definition's stored form": "status is set at once, by nobody, instead of by a controller",
  versions: "the address",
  "discovery of the version": "verbs and subresources in alphabetical order",
};

const varying = new Set([
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "deletionTimestamp",
  "time",
  "selfLink",
  "storageVersionHash",
]);

function normalize(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalize);
  if (typeof value !== "object" || value === null) return typeof value === "string" ? normalizeText(value) : value;
  const entries = Object.entries(value).map(
    ([key, member]) => [key, key === "managedFields" ? sorted(member) : member] as const,
  );
  return Object.fromEntries(
    entries
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => [key, varying.has(key) && typeof member === "string" ? `<${key}>` : normalize(member)]),
  );
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
    .replace(/^\d+s$/, "<age>");
}

export function compare(theirs: Answer, ours: Answer, step: string): { expected: unknown; received: unknown } {
  const decision = decided[step];
  if (decision === undefined) return { expected: normalize(theirs), received: normalize(ours) };
  if (typeof decision === "string") return { expected: theirs.status, received: ours.status };
  return { expected: [decision.theirs, decision.ours], received: [theirs.status, ours.status] };
}
