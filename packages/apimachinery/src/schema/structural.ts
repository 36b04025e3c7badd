/**
 * What makes a schema "structural": every field has a type outside of `allOf`, `anyOf`, `oneOf` and `not`, so that objects can be pruned,
 * defaulted and merged by it. For whoever accepts a CustomResourceDefinition.
 *
 * Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/validation.go and pkg/apis/apiextensions/validation/validation.go.
 */
import type { FieldError } from "@krate/kinds";
import { forbiddenField, invalidValue, notSupported, required } from "./field-errors.ts";
import { linearRegExp } from "./regexp.ts";
import type { Schema } from "./types.ts";
import { valueSchema } from "./types.ts";

type Level = "root" | "field" | "item";

const noType: Record<Level, string> = {
  root: "must not be empty at the root",
  field: "must not be empty for specified object fields",
  item: "must not be empty for specified array items",
};

const knownTypes = ["array", "boolean", "integer", "number", "object", "string"];

/** Keywords of JSON Schema that no CustomResourceDefinition may use. */
const unsupported = ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] as const;

/** May stand beside a type only, not inside `allOf` and its like. */
const outsideOnly: Record<string, string> = {
  type: "must be empty to be structural",
  additionalProperties: "must be undefined to be structural",
  default: "must be undefined to be structural",
  title: "must be empty to be structural",
  description: "must be empty to be structural",
  nullable: "must be false to be structural",
  "x-kubernetes-preserve-unknown-fields": "must be false to be structural",
  "x-kubernetes-embedded-resource": "must be false to be structural",
  "x-kubernetes-int-or-string": "must be false to be structural",
  "x-kubernetes-list-map-keys": "must be empty to be structural",
  "x-kubernetes-list-type": "must be undefined to be structural",
  "x-kubernetes-map-type": "must be undefined to be structural",
  "x-kubernetes-validations": "must be empty to be structural",
};

/** Errors of a schema that is to describe whole objects; `path` is where it stands. Its CEL rules are checked by `checkRules`. */
export function checkStructural(schema: Schema, path: string): FieldError[] {
  return visit(schema, "root", path);
}

function visit(schema: Schema, level: Level, path: string): FieldError[] {
  const errors = [
    ...checkKeywords(schema, path),
    ...checkType(schema, level, path),
    ...checkList(schema, path),
    ...checkMap(schema, level, path),
  ];
  if (level === "root") errors.push(...checkRootMetadata(schema, path));
  for (const [key, property] of Object.entries(schema.properties ?? {}))
    errors.push(...visit(property, "field", `${path}.properties[${key}]`));
  const values = valueSchema(schema);
  if (values !== undefined) errors.push(...visit(values, "field", `${path}.additionalProperties`));
  if (schema.items !== undefined && !Array.isArray(schema.items))
    errors.push(...visit(schema.items, "item", `${path}.items`));
  errors.push(...checkBranches(schema, path));
  return errors;
}

function checkKeywords(schema: Schema, path: string): FieldError[] {
  const errors = unsupported
    .filter((key) => Object.hasOwn(schema, key))
    .map((key) => forbiddenField(`${path}.${key}`, `${key} is not supported`));
  if (schema.uniqueItems)
    errors.push(
      forbiddenField(
        `${path}.uniqueItems`,
        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
      ),
    );
  if (schema.type === "null")
    errors.push(forbiddenField(`${path}.type`, "type cannot be set to null, use nullable as an alternative"));
  if (Array.isArray(schema.items))
    errors.push(forbiddenField(`${path}.items`, "items must be a schema object and not an array"));
  if (schema["x-kubernetes-preserve-unknown-fields"] === false) {
    errors.push(invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, false, "must be true or undefined"));
  }
  if (schema.pattern !== undefined) errors.push(...checkPattern(schema.pattern, `${path}.pattern`));
  return errors;
}

function checkPattern(pattern: string, path: string): FieldError[] {
  try {
    linearRegExp(pattern);
    return [];
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return [invalidValue(path, pattern, `must be a valid regular expression, but isn't: ${problem}`)];
  }
}

function checkType(schema: Schema, level: Level, path: string): FieldError[] {
  const { type = "" } = schema;
  const isOpen = schema["x-kubernetes-int-or-string"] || schema["x-kubernetes-preserve-unknown-fields"];
  const errors: FieldError[] = [];
  if (type !== "" && !knownTypes.includes(type)) errors.push(notSupported(`${path}.type`, type, knownTypes));
  const mustBe = (wanted: string, why: string) => {
    if (type === "") errors.push(required(`${path}.type`, `must be ${wanted} ${why}`));
    else if (type !== wanted) errors.push(invalidValue(`${path}.type`, type, `must be ${wanted} ${why}`));
  };
  if (schema["x-kubernetes-embedded-resource"]) mustBe("object", "if x-kubernetes-embedded-resource is true");
  else if (type === "" && !isOpen) errors.push(required(`${path}.type`, noType[level]));
  else if (level === "root" && type !== "" && type !== "object")
    errors.push(invalidValue(`${path}.type`, type, "must be object at the root"));
  if (schema["x-kubernetes-map-type"] !== undefined) mustBe("object", "if x-kubernetes-map-type is specified");
  if (schema["x-kubernetes-list-type"] !== undefined) mustBe("array", "if x-kubernetes-list-type is specified");
  if (schema["x-kubernetes-int-or-string"]) {
    for (const key of ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] as const) {
      if (schema[key])
        errors.push(invalidValue(`${path}.${key}`, true, "must be false if x-kubernetes-int-or-string is true"));
    }
  }
  return errors;
}

function checkMap(schema: Schema, level: Level, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { additionalProperties, properties } = schema;
  if (additionalProperties === undefined) return errors;
  if (level === "root") errors.push(forbiddenField(`${path}.additionalProperties`, "must not be used at the root"));
  if (properties !== undefined && Object.keys(properties).length > 0 && additionalProperties !== false) {
    errors.push(
      forbiddenField(`${path}.additionalProperties`, "additionalProperties and properties are mutual exclusive"),
    );
  }
  if (schema["x-kubernetes-embedded-resource"]) {
    errors.push(
      forbiddenField(`${path}.additionalProperties`, "must not be used if x-kubernetes-embedded-resource is set"),
    );
  }
  return errors;
}

function checkList(schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const listType = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  if (schema.type === "array" && schema.items === undefined)
    errors.push(required(`${path}.items`, "must be specified"));
  if (listType !== undefined && !["atomic", "set", "map"].includes(listType)) {
    errors.push({
      reason: "FieldValueNotSupported",
      field: `${path}.x-kubernetes-list-type`,
      message: `Unsupported value: ${JSON.stringify(listType)}: supported values: "atomic", "set", "map"`,
    });
  }
  if (keys.length > 0 && listType !== "map") {
    const at = `${path}.x-kubernetes-list-type`;
    const detail = "must be map if x-kubernetes-list-map-keys is non-empty";
    errors.push(listType === undefined ? required(at, detail) : invalidValue(at, listType, detail));
  }
  if (listType === "map") errors.push(...checkListMap(schema, keys, path));
  if (listType === "set" && schema.items !== undefined) errors.push(...checkSetItems(schema.items, path));
  return errors;
}

function checkListMap(schema: Schema, keys: readonly string[], path: string): FieldError[] {
  const at = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) return [required(at, "must not be empty if x-kubernetes-list-type is map")];
  const { items } = schema;
  if (items === undefined) return [required(`${path}.items`, "must have a schema if x-kubernetes-list-type is map")];
  const errors: FieldError[] = [];
  if (items.type !== "object")
    errors.push(
      invalidValue(
        `${path}.items.type`,
        items.type ?? "",
        "must be object if parent array's x-kubernetes-list-type is map",
      ),
    );
  if (items.type !== "object") return errors;
  for (const [index, key] of keys.entries()) {
    const property = items.properties?.[key];
    if (keys.indexOf(key) < index) errors.push(invalidValue(at, keys, "must not contain duplicate entries"));
    if (property === undefined) errors.push(invalidValue(at, keys, "entries must all be names of item properties"));
    else if (property.type === "array" || property.type === "object") {
      errors.push(
        invalidValue(
          `${path}.items.properties[${key}].type`,
          items.type ?? "",
          "must be a scalar type if parent array's x-kubernetes-list-type is map",
        ),
      );
    }
    errors.push(...checkMapKey(items, key, path));
  }
  return errors;
}

/** A key that may be missing could not tell items apart. */
function checkMapKey(items: Schema, key: string, path: string): FieldError[] {
  const property = items.properties?.[key];
  if (property === undefined) return [];
  const at = `${path}.items.properties[${key}]`;
  const errors: FieldError[] = [];
  if (!items.required?.includes(key) && property.default === undefined) {
    errors.push(
      required(
        `${at}.default`,
        "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
      ),
    );
  }
  if (property.nullable) {
    errors.push(
      forbiddenField(`${at}.nullable`, "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"),
    );
  }
  return errors;
}

function checkSetItems(items: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (items.nullable)
    errors.push(forbiddenField(`${path}.items.nullable`, "cannot be nullable when x-kubernetes-list-type is set"));
  if (items.type === "array" && ![undefined, "atomic"].includes(items["x-kubernetes-list-type"])) {
    errors.push(
      invalidValue(
        `${path}.items.x-kubernetes-list-type`,
        items["x-kubernetes-list-type"],
        "must be atomic as item of a list with x-kubernetes-list-type=set",
      ),
    );
  }
  if (items.type === "object" && items["x-kubernetes-map-type"] !== "atomic") {
    errors.push(
      invalidValue(
        `${path}.items.x-kubernetes-map-type`,
        items["x-kubernetes-list-type"] ?? null,
        "must be atomic as item of a list with x-kubernetes-list-type=set",
      ),
    );
  }
  return errors;
}

function checkRootMetadata(schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const key of ["kind", "apiVersion"]) {
    const property = schema.properties?.[key];
    if (property !== undefined && property.type !== "string")
      errors.push(invalidValue(`${path}.properties[${key}].type`, property.type ?? "", "must be string"));
  }
  const metadata = schema.properties?.metadata;
  if (metadata === undefined) return errors;
  const at = `${path}.properties[metadata]`;
  if (metadata.type !== "object") errors.push(invalidValue(`${at}.type`, metadata.type ?? "", "must be object"));
  const { type: _type, default: _default, properties = {}, ...rest } = metadata;
  const isPlain =
    Object.keys(rest).length === 0 && Object.keys(properties).every((key) => key === "name" || key === "generateName");
  if (!isPlain)
    errors.push(
      forbiddenField(
        at,
        "must not specify anything other than name and generateName, but metadata is implicitly specified",
      ),
    );
  return errors;
}

/** The two ways in which int-or-string is written out are the exception to the rule that branches say no types. */
function isIntOrString(branches: readonly Schema[] | undefined): boolean {
  return branches?.length === 2 && branches[0]?.type === "integer" && branches[1]?.type === "string";
}

function checkBranches(schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const intOrString = schema["x-kubernetes-int-or-string"] === true;
  if (!(intOrString && isIntOrString(schema.anyOf)))
    errors.push(...(schema.anyOf ?? []).flatMap((each, index) => checkBranch(each, `${path}.anyOf[${index}]`)));
  for (const [index, each] of (schema.allOf ?? []).entries()) {
    const skipsAnyOf = index === 0 && intOrString && isIntOrString(each.anyOf);
    errors.push(...checkBranch(skipsAnyOf ? { ...each, anyOf: [] } : each, `${path}.allOf[${index}]`));
  }
  errors.push(...(schema.oneOf ?? []).flatMap((each, index) => checkBranch(each, `${path}.oneOf[${index}]`)));
  if (schema.not !== undefined) errors.push(...checkBranch(schema.not, `${path}.not`));
  return errors;
}

function checkBranch(schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, problem] of Object.entries(outsideOnly)) {
    const value = (schema as Record<string, unknown>)[key];
    if (value !== undefined && value !== false && value !== "") errors.push(forbiddenField(`${path}.${key}`, problem));
  }
  if (schema.pattern !== undefined) errors.push(...checkPattern(schema.pattern, `${path}.pattern`));
  if (schema.properties?.metadata !== undefined)
    errors.push(forbiddenField(`${path}.properties[metadata]`, "must not be specified in a nested context"));
  for (const [key, property] of Object.entries(schema.properties ?? {}))
    errors.push(...checkBranch(property, `${path}.properties[${key}]`));
  if (schema.items !== undefined) errors.push(...checkBranch(schema.items, `${path}.items`));
  return [...errors, ...checkBranches(schema, path)];
}
