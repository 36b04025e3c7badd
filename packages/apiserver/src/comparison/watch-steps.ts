/** A short history of sprockets, and watches that look at it from every side. */
import type { JsonObject } from "@krate/apimachinery";
import { merge, type Step, sprocket, sprockets, table } from "./step.ts";

const created = (name: string, labels: JsonObject, spec: JsonObject = {}, more: JsonObject = {}): Step => ({
  name: `${name} is created`,
  method: "POST",
  path: `${sprockets}?fieldManager=t`,
  body: { ...sprocket(name, spec), metadata: { name, namespace: "cmp", labels, ...more } },
});
const patched = (step: string, name: string, body: JsonObject, subresource = ""): Step => ({
  name: step,
  method: "PATCH",
  path: `${sprockets}/${name}${subresource}?fieldManager=t`,
  contentType: merge,
  body,
});

/** The revision of its answer is where watches of the history begin. */
export const watchStart: Step = { name: "where it begins", path: sprockets };

export const history: readonly Step[] = [
  created("w1", { n: "a" }, { on: true }),
  created("w2", { n: "b" }, { on: true, teeth: 20 }),
  patched("w1 leaves a", "w1", { metadata: { labels: { n: "b" } } }),
  patched("w1 comes back to a", "w1", { metadata: { labels: { n: "a" } } }),
  patched("w1 as it was", "w1", { metadata: { labels: { n: "a" } } }),
  patched("w2 goes off", "w2", { spec: { on: false } }),
  patched("w1 is up", "w1", { status: { phase: "Up" } }, "/status"),
  patched("w2 is down", "w2", { status: { phase: "Down" } }, "/status"),
  { name: "w2 is deleted", method: "DELETE", path: `${sprockets}/w2` },
  created("w3", { n: "a" }, { on: false }, { finalizers: ["example.com/hold"] }),
  { name: "w3 is marked", method: "DELETE", path: `${sprockets}/w3` },
  patched("w3 leaves a while it goes", "w3", { metadata: { labels: { n: null } } }),
  patched("w3 is let go", "w3", { metadata: { finalizers: null } }),
  created("w4", { n: "a" }, { teeth: 20 }),
  created("w5", {}, { teeth: 30 }),
];

export interface WatchStep {
  name: string;
  path: string;
  /** From `watchStart`, in order; otherwise from the state now, which comes in no order. */
  replays: boolean;
  accept?: string;
}

const replay = (name: string, query = "", accept?: string): WatchStep => ({
  name: `watch: ${name}`,
  path: `${sprockets}?watch=1&timeoutSeconds=2${query}`,
  replays: true,
  ...(accept !== undefined && { accept }),
});
const now = (name: string, query: string, path = sprockets): WatchStep => ({
  name: `watch: ${name}`,
  path: `${path}?watch=1&timeoutSeconds=2${query}`,
  replays: false,
});
const partial = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
const initial = "&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";

export const watches: readonly WatchStep[] = [
  replay("everything"),
  replay("by a label that comes and goes", "&labelSelector=n%3Da"),
  replay("by absence of a label", "&labelSelector=%21n"),
  replay("by a set of labels", "&labelSelector=n+in+(a,c)"),
  replay("by a boolean field", "&fieldSelector=spec.on%3Dtrue"),
  replay("by an integer field", "&fieldSelector=spec.teeth%3D20"),
  replay("by status", "&fieldSelector=status.phase%3DUp"),
  replay("by a field that is not so", "&fieldSelector=status.phase%21%3DUp"),
  replay("by name", "&fieldSelector=metadata.name%3Dw3"),
  replay("by label and field", "&labelSelector=n%3Da&fieldSelector=spec.on%3Dtrue"),
  replay("as Tables", "", table),
  replay("as Tables with objects, by label", "&labelSelector=n%3Da&includeObject=Object", table),
  replay("as metadata", "", partial),
  replay("of a namespace in all of them", "&fieldSelector=metadata.namespace%3Dcmp"),
  now("the state", ""),
  now("the state, any revision", "&resourceVersion=0"),
  now("the state by label", "&labelSelector=n%3Da"),
  now("the state by field", "&fieldSelector=spec.teeth%3D20"),
  now("the state with an end", initial),
  now("the state with an end, by label", `${initial}&labelSelector=n%3Da`),
  now("an empty state with an end", `${initial}&labelSelector=n%3Dnothing`),
  now("the state with an end, any revision", `${initial}&resourceVersion=0`),
  now("no initial events", "&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"),
  now("one object", "", `${sprockets}/w1`),
  now("one object that is not there", "", `${sprockets}/none`),
  now("initial events without bookmarks", "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"),
  now("a match without initial events", "&resourceVersion=1&resourceVersionMatch=NotOlderThan"),
  now("initial events of an exact revision", "&sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=1"),
  now("a broken revision", "&resourceVersion=abc"),
  now("a broken selector", "&labelSelector=%3D%3D"),
  now("a field that cannot be selected", "&fieldSelector=spec.name%3Dx"),
  now("a limit is ignored", "&limit=1"),
  now("a broken limit of a watch", "&limit=soon"),
];
