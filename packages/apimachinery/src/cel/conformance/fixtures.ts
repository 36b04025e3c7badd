/** Fixtures that `hack/cel-fixtures` made with Kubernetes' own CEL: reading them, and comparing with what this module does. */

import { readFileSync } from "node:fs";
import type { JsonObject, JsonValue } from "../../json.ts";
import { compileSchema } from "../../schema/index.ts";
import type { Schema } from "../../schema/types.ts";
import { admissionVariables } from "../admission.ts";
import type { Bindings, CelProgram } from "../evaluate.ts";
import { compile, run } from "../evaluate.ts";
import type { AccessCheck, AccessDecision } from "../functions/authorizer.ts";
import { authorizerValue } from "../functions/authorizer.ts";
import { doubleText } from "../go-text.ts";
import { CelBudgetError, CelError } from "../issues.ts";
import { fromJson } from "../json-values.ts";
import { formatTimestamp } from "../times.ts";
import type { CelType } from "../types.ts";
import { declaredType, parseType, schemaType } from "../types.ts";
import type { Value } from "../values.ts";
import {
  ArrayList,
  ArrayMap,
  Duration,
  ListValue,
  MapValue,
  OptionalValue,
  Timestamp,
  TypeValue,
  typeNameOf,
  Uint,
} from "../values.ts";

/** One expression with what Kubernetes says: issues before the run, a value, or an error. */
export interface FixtureCase {
  e: string;
  mutating?: boolean;
  issues?: [line: number, column: number, message: string][];
  /** The program cannot be made: a constant that does not convert. */
  program?: string;
  t?: string;
  v?: JsonValue;
  error?: string;
  c?: number;
  /** cel-go crashes. */
  panic?: string;
}

interface WorldFile {
  schema: Schema;
  self: JsonObject;
  variables: { name: string; type: string; value: JsonValue }[];
}

export function readFixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../testdata/${name}`, import.meta.url), "utf8")) as T;
}

export function readCases(name: string): FixtureCase[] {
  return readFixture<{ cases: FixtureCase[] }>(`${name}.json`).cases;
}

/** A value as JSON that keeps its type, as the Go program writes it. */
export function encode(value: Value): JsonValue {
  if (value === null) return { $null: 0 };
  if (typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "bigint") return { $i: String(value) };
  if (typeof value === "number") return { $d: doubleName(value) };
  if (value instanceof Uint) return { $u: String(value.value) };
  if (value instanceof Uint8Array) return { $b: Buffer.from(value).toString("base64") };
  if (value instanceof Timestamp) return { $ts: formatTimestamp(value.nanoseconds) };
  if (value instanceof Duration) return { $du: String(value.nanoseconds) };
  if (value instanceof OptionalValue) return { $o: value.value === undefined ? [] : [encode(value.value)] };
  if (value instanceof TypeValue) return { $ty: value.name };
  if (value instanceof ListValue) return [...value].map(encode);
  if (value instanceof MapValue && typeNameOf(value) === "map") {
    const entries = [...value.keys()].map((key): JsonValue => [encode(key), encode(value.get(key) ?? null)]);
    return { $m: entries.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) };
  }
  return { $x: typeNameOf(value) };
}

/** As Go's %g, with other names for what is no number. */
function doubleName(value: number): string {
  return Number.isFinite(value) ? doubleText(value) : String(value);
}

/** The reverse of `encode`. */
function decode(encoded: JsonValue): Value {
  if (Array.isArray(encoded)) return new ArrayList(encoded.map(decode));
  if (typeof encoded !== "object" || encoded === null) return fromJson(encoded);
  const [kind = "", content = null] = Object.entries(encoded)[0] ?? [];
  switch (kind) {
    case "$i":
      return BigInt(content as string);
    case "$u":
      return new Uint(BigInt(content as string));
    case "$d":
      return Number(content);
    case "$b":
      return new Uint8Array(Buffer.from(content as string, "base64"));
    case "$ts":
      return fromJson(content, { type: "string", format: "date-time" } as Schema);
    case "$du":
      return new Duration(BigInt(content as string));
    case "$o":
      return (content as JsonValue[]).length === 0
        ? OptionalValue.none
        : new OptionalValue(decode((content as JsonValue[])[0] ?? null));
    case "$m": {
      const map = new ArrayMap();
      for (const [key = null, value = null] of content as JsonValue[][]) map.add(decode(key), decode(value));
      return map;
    }
  }
  const map = new ArrayMap();
  for (const [key, value] of Object.entries(encoded)) map.add(key, decode(value ?? null));
  return map;
}

/** The Go program's authorizer: `get` is allowed, `fail` fails, everything else is denied. */
function authorize(check: AccessCheck): AccessDecision {
  if (check.verb === "get") return { allowed: true, reason: "get is allowed" };
  if (check.verb === "fail") return { allowed: false, error: "cannot tell" };
  const account = check.serviceAccount;
  const user = account === undefined ? "jane" : `system:serviceaccount:${account.namespace}:${account.name}`;
  const { verb, group, resource, subresource, namespace, name, path = "" } = check;
  const subject = `${verb} ${group}/${resource}/${subresource}/${namespace}/${name} ${path}`;
  return { allowed: false, reason: `${user} may not ${subject}` };
}

export interface World {
  validating: Record<string, CelType>;
  bindings: Bindings;
}

export function readWorld(): World {
  const { schema: source, self, variables } = readFixture<WorldFile>("world.json");
  const { schema } = compileSchema(source);
  const validating: Record<string, CelType> = { ...admissionVariables({ params: true }), self: schemaType(schema) };
  const requestResource = { group: "apps", version: "v1", resource: "deployments", namespace: "shop", name: "web-1" };
  const bindings: Record<string, Value> = {
    self: fromJson(self, schema),
    authorizer: authorizerValue(authorize, requestResource),
  };
  for (const { name, type, value } of variables) {
    if (type !== "") validating[name] = parseType(type);
    bindings[name] = JSON.stringify(value).includes('"$') ? decode(value) : fromJson(value);
  }
  return { validating, bindings };
}

/** What this module says about an expression, in the form of a fixture. */
export function answer(world: World, { e, mutating }: FixtureCase): FixtureCase {
  const { program, ...failed } = compile(e, { variables: world.validating, mutating: mutating === true });
  const start = { e, ...(mutating === true && { mutating }) };
  if (program === undefined) {
    const problem = "problem" in failed ? failed.problem : undefined;
    if (problem !== undefined) return { ...start, program: problem };
    return { ...start, issues: failed.issues.map(({ line, column, message }) => [line, column, message]) };
  }
  return { ...start, t: declaredType(program.type), ...runProgram(program, world.bindings) };
}

function runProgram(program: CelProgram, bindings: Bindings): Pick<FixtureCase, "v" | "error" | "c"> {
  const spent = { cost: 0 };
  try {
    const { value, cost } = run(program, bindings, { timeoutMilliseconds: 60_000, spent });
    return { v: encode(value), c: cost };
  } catch (error) {
    if (!(error instanceof CelError) && !(error instanceof CelBudgetError)) throw error;
    return { error: error.message, c: spent.cost };
  }
}
