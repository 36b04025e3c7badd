/** Options of writes: from the query, and for deletions from the body as well. Wrong ones are 422, in kube-apiserver's words. */
import { isObject, type JsonObject, parseFieldValidation } from "@krate/apimachinery";
import { badRequest } from "@krate/kinds";
import { decodeBody } from "./body.ts";
import type { DeleteOptions, RequestContext, WriteOptions } from "./context.ts";
import { textOf } from "./objects.ts";
import { invalidOption, type OptionsKind, optionsKind, unsupportedOption } from "./option-errors.ts";
import { isTrue } from "./request-info.ts";

const maxFieldManagerBytes = 128;

/** @throws Invalid (422) naming the option */
export function writeOptions({ params, exchange, target }: RequestContext): WriteOptions {
  const kind = optionsKind(target.verb);
  const dryRun = params.getAll("dryRun");
  checkDryRun(kind, dryRun);
  const fieldValidation = params.get("fieldValidation") ?? "";
  if (!["", "Ignore", "Strict", "Warn"].includes(fieldValidation)) {
    throw unsupportedOption(kind, "fieldValidation", JSON.stringify(fieldValidation), ["", "Ignore", "Strict", "Warn"]);
  }
  const fieldManager = params.get("fieldManager") ?? "";
  checkFieldManager(kind, fieldManager);
  const agent = exchange.header("user-agent") ?? "unknown";
  return {
    dryRun: dryRun.length > 0,
    fieldValidation: parseFieldValidation(fieldValidation),
    fieldManager: fieldManager || (agent.split("/")[0] as string).slice(0, maxFieldManagerBytes),
    force: isTrue(params.get("force")),
  };
}

function checkDryRun(kind: OptionsKind, values: readonly unknown[]): void {
  if (values.every((value) => value === "All")) return;
  throw unsupportedOption(kind, "dryRun", JSON.stringify(values), ["All"]);
}

function checkFieldManager(kind: OptionsKind, name: string): void {
  if (Buffer.byteLength(name) > maxFieldManagerBytes) {
    const message = `Too long: may not be more than ${maxFieldManagerBytes} bytes`;
    throw invalidOption(kind, "fieldManager", message, "FieldValueTooLong");
  }
  let position = 0;
  for (const character of name) {
    if (!isPrintable(character)) {
      const code = (character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, "0");
      const message = `Invalid value: ${JSON.stringify(name)}: invalid character U+${code} (at position ${position})`;
      throw invalidOption(kind, "fieldManager", message, "FieldValueInvalid");
    }
    position += Buffer.byteLength(character);
  }
}

/** Letters, marks, numbers, punctuation, symbols and the blank: Go's unicode.IsPrint. */
function isPrintable(character: string): boolean {
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character);
}

const policies = ["Foreground", "Background", "Orphan"] as const;

/** @throws Invalid (422) naming the option, BadRequest for a body that is no DeleteOptions */
export function deleteOptions(ctx: RequestContext): DeleteOptions {
  const body = optionsInBody(ctx);
  const preconditions = isObject(body["preconditions"]) ? body["preconditions"] : {};
  const policy = propagationPolicy(body, ctx);
  if (Array.isArray(body["dryRun"]) && body["dryRun"].length > 0) {
    checkDryRun("DeleteOptions", body["dryRun"]);
    if (ctx.options !== undefined) ctx.options.dryRun = true;
  }
  return {
    propagationPolicy: policy,
    gracePeriodSeconds: gracePeriodSeconds(body["gracePeriodSeconds"] ?? ctx.params.get("gracePeriodSeconds")),
    uid: textOf(preconditions["uid"]) || undefined,
    resourceVersion: textOf(preconditions["resourceVersion"]) || undefined,
  };
}

function optionsInBody(ctx: RequestContext): JsonObject {
  if (ctx.body === undefined || ctx.body.length === 0) return {};
  const { object } = decodeBody(ctx.body, ctx.exchange.header("content-type"));
  const { kind } = object;
  if (kind !== undefined && kind !== "" && kind !== "DeleteOptions") {
    throw badRequest(`the body of a deletion must be of kind DeleteOptions, not ${JSON.stringify(kind)}`);
  }
  return object;
}

function propagationPolicy(body: JsonObject, { params }: RequestContext): DeleteOptions["propagationPolicy"] {
  const policy = body["propagationPolicy"] ?? params.get("propagationPolicy") ?? undefined;
  const orphan = body["orphanDependents"] ?? params.get("orphanDependents") ?? undefined;
  if (policy !== undefined && orphan !== undefined) {
    const message = `Invalid value: ${JSON.stringify(policy)}: orphanDependents and deletionPropagation cannot be both set`;
    throw invalidOption("DeleteOptions", "propagationPolicy", message, "FieldValueInvalid");
  }
  if (policy !== undefined && !(policies as readonly unknown[]).includes(policy)) {
    throw unsupportedOption("DeleteOptions", "propagationPolicy", JSON.stringify(policy), [...policies, "nil"]);
  }
  if (policy !== undefined) return policy as DeleteOptions["propagationPolicy"];
  if (orphan === undefined) return undefined;
  return orphan === true || orphan === "true" ? "Orphan" : "Background";
}

/** A negative period means at once, which for those who have one is a second. */
function gracePeriodSeconds(value: unknown): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const seconds = Number(value);
  if (!Number.isInteger(seconds)) {
    throw badRequest(`gracePeriodSeconds: Invalid value: ${JSON.stringify(value)}: must be an integer`);
  }
  return seconds < 0 ? 1 : seconds;
}
