import { badRequest } from "@krate/kinds";
import type { Tags } from "yaml";
import { isAlias, isMap, isScalar, isSeq, parseAllDocuments } from "yaml";
import type { JsonValue } from "../json.ts";
import type { Decoded, DecodeLimits } from "./json.ts";
import { defaultMaxDepth, maxReportedFields, toText } from "./json.ts";

/** YAML is parsed at about 1.5 MB/s, so a body of this size blocks for two thirds of a second at most. */
export const maxYamlBytes = 1024 * 1024;

/** Aliases may expand to this many nodes in all ("billion laughs"). */
const maxAliasCount = 100;

/** YAML 1.1 as Kubernetes reads it (sigs.k8s.io/yaml), less the types that JSON does not have. */
const jsonTagsOnly = (tags: Tags): Tags =>
  tags.filter(
    (tag) =>
      typeof tag === "string" ||
      (!/:(binary|omap|pairs|set|timestamp)$/.test(tag.tag) && !["TIME"].includes(tag.format ?? "")),
  );

/**
 * Decodes one YAML document to what `decodeJson` would give for the same object in JSON.
 *
 * @throws badRequest on syntax errors, more than one document, anchors that expand beyond reason, or depth and size over the limits
 */
export function decodeYaml(input: Uint8Array | string, limits: DecodeLimits = {}): Decoded {
  const text = toText(input, Math.min(limits.maxBytes ?? maxYamlBytes, maxYamlBytes));
  const maxDepth = limits.maxDepth ?? defaultMaxDepth;
  refuseDeepFlow(text, maxDepth);
  const documents = parseDocuments(text);
  if (documents.length !== 1)
    throw badRequest(`the request body holds ${documents.length} YAML documents: it must hold one object`);
  const document = documents[0];
  if (document === undefined) throw badRequest("the request body holds no YAML document: it must hold one object");
  const error = document.errors[0];
  if (error !== undefined) throw badRequest(`error converting YAML to JSON: ${error.message.split("\n")[0]}`, error);
  const duplicateFields: string[] = [];
  collectDuplicates(document.contents, "", duplicateFields);
  const value = toJs(() => document.toJS({ maxAliasCount }) as unknown);
  return { value: toJson(value, maxDepth), duplicateFields };
}

function parseDocuments(text: string) {
  try {
    const parsed = parseAllDocuments(text, {
      schema: "yaml-1.1",
      customTags: jsonTagsOnly,
      uniqueKeys: false,
      merge: true,
      logLevel: "silent",
    });
    return Array.isArray(parsed) ? parsed : [];
  } catch (cause) {
    throw badRequest(`error converting YAML to JSON: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

function toJs(convert: () => unknown): unknown {
  try {
    return convert();
  } catch (cause) {
    throw badRequest(`error converting YAML to JSON: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

/** The parser recurses per level; brackets are counted before it sees them. Block nesting costs an indent per level, so size bounds it. */
function refuseDeepFlow(text: string, maxDepth: number): void {
  let run = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5b || code === 0x7b) {
      if (++run > maxDepth * 4) throw badRequest(`the request body nests deeper than ${maxDepth} levels`);
    } else if (code === 0x5d || code === 0x7d) run = Math.max(0, run - 1);
    else if (code === 0x0a) run = text.charCodeAt(i + 1) <= 0x20 || "[{]},\"'".includes(text[i + 1] ?? "x") ? run : 0;
  }
}

function collectDuplicates(node: unknown, path: string, found: string[]): void {
  if (isAlias(node) || isScalar(node)) return;
  if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) collectDuplicates(item, `${path}[${index}]`, found);
    return;
  }
  if (!isMap(node)) return;
  const seen = new Set<string>();
  for (const pair of node.items) {
    const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
    const member = path === "" ? key : `${path}.${key}`;
    if (seen.has(key) && key !== "<<" && found.length < maxReportedFields) found.push(member);
    seen.add(key);
    collectDuplicates(pair.value, member, found);
  }
}

/** What the YAML library returns, checked to be JSON: no dates, no big integers, no Infinity, no key that is an object. */
function toJson(value: unknown, depthLeft: number): JsonValue {
  if (depthLeft < 0) throw badRequest("the request body nests too deep");
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw badRequest(`the number ${value} has no JSON form`);
    return value;
  }
  if (Array.isArray(value)) return value.map((item) => toJson(item, depthLeft - 1));
  if (typeof value !== "object") throw badRequest(`a YAML value of type ${typeof value} has no JSON form`);
  const result: Record<string, JsonValue> = {};
  for (const [key, member] of value instanceof Map ? value.entries() : Object.entries(value)) {
    if (key === "__proto__") throw badRequest('the key "__proto__" is not allowed in an object');
    result[String(key)] = toJson(member, depthLeft - 1);
  }
  return result;
}
