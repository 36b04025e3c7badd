/**
 * What rules of schemas may cost, and which definitions are refused for it, as Kubernetes' own implementation says in `testdata/estimates.json` and
 * `testdata/definitions.json`. `hack/cel-fixtures` makes the files.
 */
import { describe, expect, it } from "@jest/globals";
import type { Schema } from "../../schema/types.ts";
import { declaredSizes } from "../declared-sizes.ts";
import { compile } from "../evaluate.ts";
import { checkRules } from "../rule-check.ts";
import { schemaType, types, withMetadata } from "../types.ts";
import { readFixture } from "./fixtures.ts";

interface EstimateCase {
  s: string;
  e: string;
  min?: string;
  max?: string;
  cardinality?: string;
}

const estimates = readFixture<{ schemas: Record<string, Schema>; cases: EstimateCase[] }>("estimates.json");
const definitions = readFixture<{ cases: { schema: Schema; errors: [field: string, message: string][] }[] }>(
  "definitions.json",
).cases;

const worlds = new Map(
  Object.entries(estimates.schemas).map(([name, source]) => {
    const self = schemaType(withMetadata(source));
    return [name, { variables: { self, oldSelf: self }, sizes: declaredSizes(source, true) }];
  }),
);

function answer({ s, e }: EstimateCase): EstimateCase {
  const { variables, sizes } = worlds.get(s) ?? { variables: {}, sizes: undefined };
  if (sizes === undefined) throw new Error(`no schema ${s}`);
  const { program } = compile(e, { variables, sizes, expectedType: types.bool });
  if (program?.estimate === undefined) return { s, e };
  const { min, max } = program.estimate;
  const cardinality = Math.floor((3 * 1024 * 1024) / (sizes.minSerializedSize + 1));
  return { s, e, min: String(min), max: String(max), cardinality: String(cardinality) };
}

describe("estimates of Kubernetes", () => {
  it.each(Object.keys(estimates.schemas))("of rules over the schema %s", (name) => {
    const wanted = estimates.cases.filter(({ s }) => s === name);
    expect(wanted.map(answer)).toEqual(wanted);
  });
});

/** What differs in the text of a mistake only: parsers find other words. */
const withoutParserWords = (message: string) => message.split("Syntax error")[0] ?? "";

describe("definitions with rules, as Kubernetes judges them", () => {
  it.each(definitions.map((each, index) => ({ index, ...each })))("number $index", ({ schema, errors }) => {
    const found = checkRules(schema, "schema").map(({ field, message }) => [
      field,
      withoutParserWords(
        message.replace("the schema within schema", "the schema within spec.validation.openAPIV3Schema"),
      ),
    ]);
    expect(found.sort()).toEqual(errors.map(([field, message]) => [field, withoutParserWords(message)]));
  });
});
