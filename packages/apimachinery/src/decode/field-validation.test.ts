import { describe, expect, it } from "@jest/globals";
import { applyFieldValidation, parseFieldValidation } from "./field-validation.ts";
import { decodeObject } from "./object.ts";

const subject = {
  kind: "PullRequest",
  version: "v1alpha1",
  duplicateFields: ["spec.foo"],
  unknownFields: ["spec.bar"],
};

describe("fieldValidation", () => {
  it("warns with kube-apiserver's texts", () => {
    expect(applyFieldValidation("Warn", subject)).toEqual(['duplicate field "spec.foo"', 'unknown field "spec.bar"']);
  });

  it("refuses when strict, in kube-apiserver's words", () => {
    expect(() => applyFieldValidation("Strict", subject)).toThrow(
      'PullRequest in version "v1alpha1" cannot be handled as a PullRequest: strict decoding error: duplicate field "spec.foo", unknown field "spec.bar"',
    );
  });

  it("says nothing when told to ignore, or when there is nothing to say", () => {
    expect(applyFieldValidation("Ignore", subject)).toEqual([]);
    expect(applyFieldValidation("Strict", { kind: "A", version: "v1" })).toEqual([]);
  });

  it("defaults to Warn and refuses other words", () => {
    expect(parseFieldValidation(null)).toBe("Warn");
    expect(() => parseFieldValidation("strict")).toThrow(/supported values/);
  });
});

describe("decodeObject", () => {
  it("goes by the content type", () => {
    expect(decodeObject("a: 1", "application/yaml").object).toEqual({ a: 1 });
    expect(decodeObject('{"a":1}', "application/json; charset=utf-8").object).toEqual({ a: 1 });
    expect(decodeObject('{"a":1}', undefined).object).toEqual({ a: 1 });
  });

  it("refuses other content types with 415 and non-objects with 400", () => {
    expect(() => decodeObject("x", "text/html")).toThrow(expect.objectContaining({ code: 415 }));
    expect(() => decodeObject("[]", "application/json")).toThrow(expect.objectContaining({ code: 400 }));
  });
});
