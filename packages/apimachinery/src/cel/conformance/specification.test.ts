/** The conformance suite of the CEL specification (google/cel-spec v0.25.1), less what concerns protocol buffers and extensions Kubernetes does not have. */
import { tests } from "@bufbuild/cel-spec/testdata/conformance.js";
import { describe, expect, it } from "@jest/globals";
import { compile, run } from "../evaluate.ts";
import { CelError } from "../issues.ts";
import { equals } from "../operators.ts";
import { parseDuration, parseTimestamp } from "../times.ts";
import type { CelType } from "../types.ts";
import { types } from "../types.ts";
import type { Value } from "../values.ts";
import { ArrayList, ArrayMap, Duration, Timestamp, TypeValue, typeNameOf, Uint } from "../values.ts";

interface Suite {
  name: string;
  suites?: Suite[];
  tests?: { original: Original }[];
}

interface Original {
  name: string;
  expr: string;
  value?: Wire;
  typedResult?: { result?: Wire };
  evalError?: unknown;
  anyEvalErrors?: unknown;
  container?: string;
  checkOnly?: boolean;
  disableCheck?: boolean;
  typeEnv?: { name: string; ident?: unknown; function?: unknown }[];
  bindings?: Record<string, { value: Wire }>;
}

type Wire = Record<string, unknown>;

/** Protocol buffers, and extensions that Kubernetes does not enable. */
const leftOut = new Set(
  "bindings_ext block_ext encoders_ext math_ext proto2 proto2_ext proto3 enums dynamic wrappers namespace type_deductions unknowns".split(
    " ",
  ),
);
const aboutMessages = /TestAllTypes|NestedTestAllTypes|google\.protobuf\.(?!Timestamp|Duration)|proto\.|GlobalEnum/;

/**
 * Cases where Kubernetes differs from the specification, and this module with it: `testdata/` says so for all of them that need no bindings. Each
 * must differ still.
 */
const known: readonly { reason: string; cases: readonly string[] }[] = [
  {
    reason: "names in back-ticks are not enabled in Kubernetes",
    cases: [
      "fields/quoted_map_fields/field_access_dash",
      "fields/quoted_map_fields/field_access_dot",
      "fields/quoted_map_fields/field_access_slash",
      "fields/quoted_map_fields/has_field_dash",
      "fields/quoted_map_fields/has_field_dot",
      "fields/quoted_map_fields/has_field_slash",
    ],
  },
  {
    reason: "cel-go finds a constant key of a wrong type when it makes the program",
    cases: ["fields/map_fields/map_bad_key_type_and_false", "fields/map_fields/map_bad_key_type_or_true"],
  },
  {
    reason: "cel-go lets a later entry of a map literal replace an earlier one",
    cases: [
      "fields/qualified_identifier_resolution/map_value_repeat_key",
      "fields/qualified_identifier_resolution/map_value_repeat_key_heterogeneous",
    ],
  },
  {
    reason: "cel-go selects from what is no map as from an empty one",
    cases: ["optionals/optionals/map_null_entry_no_such_key", "optionals/optionals/map_present_key_invalid_field"],
  },
  {
    reason: "Kubernetes has version 2 of the strings library, whose format() writes numbers as in American English",
    cases: [
      "string_ext/format/NaN support for decimal",
      "string_ext/format/NaN support for scientific notation",
      "string_ext/format/default precision for scientific notation",
      "string_ext/format/dyntype NaN/infinity support",
      "string_ext/format/dyntype support for lists",
      "string_ext/format/dyntype support for maps",
      "string_ext/format/dyntype support for scientific notation",
      "string_ext/format/list support for string",
      "string_ext/format/map support (all key types)",
      "string_ext/format/map support for string",
      "string_ext/format/negative infinity support for decimal",
      "string_ext/format/negative infinity support for fixed-point",
      "string_ext/format/negative infinity support for scientific notation",
      "string_ext/format/positive infinity support for decimal",
      "string_ext/format/positive infinity support for fixed-point",
      "string_ext/format/positive infinity support for scientific notation",
      "string_ext/format/scientific notation formatting clause",
      "string_ext/format/scientific notation formatting clause in a string variable",
    ],
  },
  {
    reason: "cel-go gives -1 for an offset beyond the end",
    cases: ["string_ext/value_errors/indexof_out_of_range", "string_ext/value_errors/lastindexof_out_of_range"],
  },
  {
    reason: "cel-go gives the whole duration in milliseconds",
    cases: ["timestamps/duration_converters/get_milliseconds"],
  },
];
const differing = new Set(known.flatMap(({ cases }) => cases));

function celValue(wire: Wire): Value {
  const [kind = "", content] = Object.entries(wire)[0] ?? [];
  switch (kind) {
    case "nullValue":
      return null;
    case "boolValue":
    case "stringValue":
      return content as boolean | string;
    case "int64Value":
      return BigInt(content as string);
    case "uint64Value":
      return new Uint(BigInt(content as string));
    case "doubleValue":
      return Number(content);
    case "bytesValue":
      return new Uint8Array(Buffer.from(content as string, "base64"));
    case "typeValue":
      return new TypeValue(content as string);
    case "listValue":
      return new ArrayList(((content as { values?: Wire[] }).values ?? []).map(celValue));
    case "mapValue": {
      const map = new ArrayMap();
      for (const { key, value } of (content as { entries?: { key: Wire; value: Wire }[] }).entries ?? [])
        map.add(celValue(key), celValue(value));
      return map;
    }
    case "objectValue": {
      const { "@type": type, value } = content as { "@type": string; value: string };
      if (type.endsWith("Timestamp")) return new Timestamp(parseTimestamp(value));
      if (type.endsWith("Duration")) return new Duration(parseDuration(value));
    }
  }
  throw new Error(`no value for ${JSON.stringify(wire)}`);
}

function cases(suite: Suite, path: string): { path: string; original: Original }[] {
  const here = path === "" ? suite.name : `${path}/${suite.name}`;
  return [
    ...(suite.suites ?? []).flatMap((each) => cases(each, here)),
    ...(suite.tests ?? []).map(({ original }) => ({ path: `${here}/${original.name}`, original })),
  ];
}

function isOurs(original: Original): boolean {
  const text = JSON.stringify([
    original.expr,
    original.bindings ?? {},
    original.value ?? {},
    original.typedResult ?? {},
  ]);
  return (
    !aboutMessages.test(text) &&
    original.container === undefined &&
    !original.checkOnly &&
    !(original.typeEnv ?? []).some((each) => each.function !== undefined)
  );
}

function check(original: Original): void {
  const variables: Record<string, CelType> = {};
  const bindings: Record<string, Value> = {};
  for (const { name } of original.typeEnv ?? []) variables[name] = types.dyn;
  for (const [name, { value }] of Object.entries(original.bindings ?? {})) {
    variables[name] = types.dyn;
    bindings[name] = celValue(value);
  }
  const { program, ...failed } = compile(original.expr, { variables, homogeneousLiterals: false });
  const fails = original.evalError !== undefined || original.anyEvalErrors !== undefined;
  if (program === undefined) {
    if (!fails) throw new Error("message" in failed ? failed.message : "does not compile");
    return;
  }
  if (fails) {
    expect(() => run(program, bindings)).toThrow(CelError);
    return;
  }
  const wanted = celValue(original.value ?? original.typedResult?.result ?? { boolValue: true });
  const { value } = run(program, bindings);
  expect(typeNameOf(value)).toBe(typeNameOf(wanted));
  if (Number.isNaN(wanted)) expect(value).toBeNaN();
  else if (!equals(value, wanted)) expect(value).toEqual(wanted);
}

const suites = (tests as unknown as Suite).suites?.filter(({ name }) => !leftOut.has(name)) ?? [];

describe.each(suites.map((suite) => [suite.name, suite] as const))("cel-spec %s", (_name, suite) => {
  const ours = cases(suite, "").filter(({ original }) => isOurs(original) && !original.disableCheck);
  const [different, same] = [true, false].map((isKnown) => ours.filter(({ path }) => differing.has(path) === isKnown));
  for (const { path, original } of same ?? []) it(path, () => check(original));
  for (const { path, original } of different ?? [])
    it(`${path} differs, as in Kubernetes`, () => expect(() => check(original)).toThrow());
});
