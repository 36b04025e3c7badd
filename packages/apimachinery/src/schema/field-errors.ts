/**
 * Field errors in Kubernetes' words. The message is what follows the field's path: `Invalid value: "x": must be…`.
 * Source: k8s.io/apimachinery/pkg/util/validation/field/errors.go.
 */
import type { FieldError } from "@krate/kinds";

/** Longer values are cut in messages: a 1 MB string helps nobody, neither in an answer nor in a log. */
const maxQuoted = 1024;

/** A value as it stands in a message: strings quoted as Go does, numbers and booleans bare, the rest as JSON. */
export function quoteValue(value: unknown): string {
  const text =
    typeof value === "number" || typeof value === "boolean" ? String(value) : (JSON.stringify(value) ?? "null");
  return text.length > maxQuoted ? `${text.slice(0, maxQuoted)}…` : text;
}

function withDetail(text: string, detail: string): string {
  return detail === "" ? text : `${text}: ${detail}`;
}

export function required(field: string, detail = ""): FieldError {
  return { reason: "FieldValueRequired", field, message: withDetail("Required value", detail) };
}

export function invalidValue(field: string, value: unknown, detail: string): FieldError {
  return { reason: "FieldValueInvalid", field, message: withDetail(`Invalid value: ${quoteValue(value)}`, detail) };
}

export function typeInvalid(field: string, value: unknown, detail: string): FieldError {
  return { reason: "FieldValueTypeInvalid", field, message: withDetail(`Invalid value: ${quoteValue(value)}`, detail) };
}

/** `allowed` is listed in the given order, each value quoted. */
export function notSupported(field: string, value: unknown, allowed: readonly unknown[]): FieldError {
  const list = allowed.map((each) =>
    typeof each === "string" ? JSON.stringify(each) : JSON.stringify(JSON.stringify(each)),
  );
  return {
    reason: "FieldValueNotSupported",
    field,
    message: `Unsupported value: ${quoteValue(value)}: supported values: ${list.join(", ")}`,
  };
}

export function duplicate(field: string, value: unknown): FieldError {
  return { reason: "FieldValueDuplicate", field, message: `Duplicate value: ${quoteValue(value)}` };
}

export function forbiddenField(field: string, detail: string): FieldError {
  return { reason: "FieldValueForbidden", field, message: withDetail("Forbidden", detail) };
}

export function tooLong(field: string, max: number): FieldError {
  return {
    reason: "FieldValueTooLong",
    field,
    message: `Too long: may not be more than ${max} ${max === 1 ? "byte" : "bytes"}`,
  };
}

export function tooMany(field: string, actual: number, max: number): FieldError {
  return {
    reason: "FieldValueTooMany",
    field,
    message: `Too many: ${actual}: must have at most ${max} ${max === 1 ? "item" : "items"}`,
  };
}

/** `spec` + `title` = `spec.title`. */
export function child(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
