/** Errors about query parameters, as kube-apiserver words them: `CreateOptions.meta.k8s.io "" is invalid: …` with 422. */
import { type ApiError, type FieldErrorReason, invalid } from "@krate/kinds";

export type OptionsKind = "CreateOptions" | "UpdateOptions" | "PatchOptions" | "DeleteOptions" | "ListOptions";

const kinds: Record<string, OptionsKind> = {
  create: "CreateOptions",
  update: "UpdateOptions",
  patch: "PatchOptions",
  delete: "DeleteOptions",
  deletecollection: "DeleteOptions",
};

export function optionsKind(verb: string): OptionsKind {
  return kinds[verb] ?? "ListOptions";
}

export function invalidOption(kind: OptionsKind, field: string, message: string, reason: FieldErrorReason): ApiError {
  return invalid({ group: "meta.k8s.io", kind }, [{ reason, field, message }]);
}

/** @param value as JSON */
export function unsupportedOption(
  kind: OptionsKind,
  field: string,
  value: string,
  supported: readonly string[],
): ApiError {
  const list = supported.map((each) => JSON.stringify(each)).join(", ");
  return invalidOption(kind, field, `Unsupported value: ${value}: supported values: ${list}`, "FieldValueNotSupported");
}
