/** `reference/rules.test.ts` compares texts and values with a real kube-apiserver. */
import { describe, expect, it } from "@jest/globals";
import type { JsonObject } from "../json.ts";
import { compileSchema } from "../schema/index.ts";
import type { Schema } from "../schema/types.ts";
import { checkRules } from "./rule-check.ts";
import { validateRules } from "./rules.ts";

const schema: Schema = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: {
        repository: {
          type: "string",
          "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "is immutable" }],
        },
        min: { type: "integer" },
        max: { type: "integer" },
      },
      "x-kubernetes-validations": [
        {
          rule: "!has(self.min) || !has(self.max) || self.min <= self.max",
          message: "min must not be above max",
          fieldPath: ".min",
        },
      ],
    },
  },
};

describe("CEL rules of a schema", () => {
  const compiled = compileSchema(schema);
  const validate = (object: JsonObject, old?: JsonObject) => validateRules(object, old, compiled.schema);

  it("hold for a valid object", () => {
    expect(validate({ spec: { repository: "a", min: 1, max: 2 } })).toEqual([]);
  });

  it("are told at the field they name", () => {
    expect(validate({ spec: { min: 3, max: 2 } })).toEqual([
      { reason: "FieldValueInvalid", field: "spec.min", message: "Invalid value: min must not be above max" },
    ]);
  });

  it("compare with the stored object", () => {
    const errors = validate({ spec: { repository: "b" } }, { spec: { repository: "a" } });
    expect(errors).toEqual([
      { reason: "FieldValueInvalid", field: "spec.repository", message: 'Invalid value: "b": is immutable' },
    ]);
  });

  it("are not held against what did not change", () => {
    expect(validate({ spec: { min: 3, max: 2 } }, { spec: { min: 3, max: 2 } })).toEqual([]);
  });

  it("are checked when a schema is accepted", () => {
    const wrong: Schema = {
      type: "object",
      properties: { a: { type: "string", "x-kubernetes-validations": [{ rule: "self > 1" }] } },
    };
    expect(checkRules(wrong, "schema")[0]).toMatchObject({
      field: "schema.properties[a].x-kubernetes-validations[0].rule",
    });
  });
});
