import { badRequest } from "@krate/kinds";
import { maxReportedFields } from "./json.ts";

/** The `fieldValidation` query parameter. kube-apiserver's default is Warn. */
export type FieldValidation = "Ignore" | "Warn" | "Strict";

/** @throws badRequest naming the allowed values */
export function parseFieldValidation(value: string | null | undefined): FieldValidation {
  if (value === null || value === undefined || value === "") return "Warn";
  if (value === "Ignore" || value === "Warn" || value === "Strict") return value;
  throw badRequest(
    `fieldValidation: Unsupported value: ${JSON.stringify(value)}: supported values: "", "Ignore", "Strict", "Warn"`,
  );
}

export interface SuspectFields {
  duplicateFields?: string[];
  unknownFields?: string[];
}

/** The texts kube-apiserver uses, both for warnings and inside its error: `unknown field "spec.foo"`. */
export function describeSuspectFields(fields: SuspectFields): string[] {
  const duplicates = (fields.duplicateFields ?? []).map((path) => `duplicate field "${path}"`);
  const unknown = (fields.unknownFields ?? []).map((path) => `unknown field "${path}"`);
  return [...duplicates, ...unknown].slice(0, maxReportedFields);
}

export interface FieldValidationSubject extends SuspectFields {
  kind: string;
  version: string;
}

/**
 * Carries out the `fieldValidation` directive on what decoding and pruning found.
 *
 * @returns the warnings to send with the answer (none for Ignore)
 * @throws badRequest for Strict, in kube-apiserver's words
 */
export function applyFieldValidation(directive: FieldValidation, subject: FieldValidationSubject): string[] {
  if (directive === "Ignore") return [];
  const texts = describeSuspectFields(subject);
  if (texts.length === 0 || directive === "Warn") return texts;
  throw badRequest(
    `${subject.kind} in version "${subject.version}" cannot be handled as a ${subject.kind}: ${strictDecodingError(texts)}`,
  );
}

/** `strict decoding error: unknown field "spec.foo"`, for the patch path, where it is the value of a 422 on field `patch`. */
export function strictDecodingError(texts: string[]): string {
  return `strict decoding error: ${texts.join(", ")}`;
}
