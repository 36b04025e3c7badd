import { applyFieldValidation, describeSuspectFields, type JsonObject, strictDecodingError } from "@krate/apimachinery";
import { badRequest, conflict, invalid, notFound } from "@krate/kinds";
import { decodeBody } from "../body.ts";
import type { RequestContext, Stage } from "../context.ts";
import { trackFields } from "../field-management.ts";
import { decodeStored, metadataOf, metadataProblem, textOf, tidyMetadata } from "../objects.ts";
import { invalidOption } from "../option-errors.ts";
import { applyPatch, patchTypeOf } from "../patching.ts";
import type { Services } from "../services.ts";
import { deleteOptions, writeOptions } from "../write-options.ts";
import { isWrite } from "./audit.ts";
import { refusal } from "./authorize.ts";

const modified = "the object has been modified; please apply your changes to the latest version and try again";

/**
 * Reads the body and makes the object as it shall be: decoded, pruned, defaulted; patches are applied to the stored object.
 * 400 malformed or strict field validation, 404 nothing to change, 409 stale resourceVersion or uid, 413 too large, 415 unknown media type.
 */
export function decode(services: Pick<Services, "store" | "limits" | "authorizer" | "now">): Stage {
  return async (ctx, next) => {
    if (!isWrite(ctx) || ctx.result !== undefined || ctx.response !== undefined) return next(ctx);
    ctx.options ??= writeOptions(ctx);
    ctx.body ??= await ctx.readBody(services.limits.maxBodyBytes);
    const { verb } = ctx.target;
    if (verb === "create") decodeCreate(ctx);
    else if (verb === "update") await decodeUpdate(ctx, services);
    else if (verb === "patch") await decodePatch(ctx, services);
    else if (verb === "delete") await decodeDelete(ctx, services);
    else ctx.deleteOptions ??= deleteOptions(ctx);
    trackOwners(ctx, services.now());
    return next(ctx);
  };
}

/** Server-side apply has done so already; reviews have no owners. */
function trackOwners(ctx: RequestContext, now: Date): void {
  if (ctx.object === undefined || ctx.applied || ctx.served.strategy.answer !== undefined) return;
  ctx.object = trackFields(ctx, ctx.object, now);
}

function bodyObject(ctx: RequestContext): { object: JsonObject; duplicateFields: string[] } {
  return decodeBody(ctx.body ?? Buffer.alloc(0), ctx.exchange.header("content-type"));
}

/** Whatever a client says about these, it is not recorded as its own. */
const ignoredOnCreate = ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"];

function decodeCreate(ctx: RequestContext): void {
  const { object, duplicateFields } = bodyObject(ctx);
  checkType(ctx, object);
  checkNames(ctx, object);
  for (const key of ignoredOnCreate) delete metadataOf(object)[key];
  ctx.operation = "CREATE";
  ctx.object = complete(ctx, object, duplicateFields);
}

async function decodeUpdate(ctx: RequestContext, services: Pick<Services, "store">): Promise<void> {
  const { object, duplicateFields } = bodyObject(ctx);
  checkType(ctx, object);
  checkNames(ctx, object);
  await loadExisting(ctx, services);
  ctx.operation = "UPDATE";
  ctx.object = complete(ctx, object, duplicateFields);
  checkPreconditions(ctx);
}

async function decodePatch(
  ctx: RequestContext,
  services: Pick<Services, "store" | "authorizer" | "now">,
): Promise<void> {
  const type = patchTypeOf(ctx.exchange.header("content-type"));
  if (type === "apply" && !ctx.params.get("fieldManager")) {
    const message = "Required value: is required for apply patch";
    throw invalidOption("PatchOptions", "fieldManager", message, "FieldValueRequired");
  }
  if (type !== "apply" && ctx.params.has("force")) {
    throw invalidOption(
      "PatchOptions",
      "force",
      "Forbidden: may not be specified for non-apply patch",
      "FieldValueForbidden",
    );
  }
  const found = await loadExisting(ctx, services, { optional: type === "apply" });
  if (!found) await checkMayCreate(ctx, services);
  ctx.operation = found ? "UPDATE" : "CREATE";
  ctx.applied = type === "apply";
  const { object, duplicateFields, unknownFields } = applyPatch(ctx, type, services.now());
  if (type === "apply") checkType(ctx, object);
  else checkPatchedType(ctx, object);
  checkNames(ctx, object);
  ctx.object = complete(ctx, object, duplicateFields, unknownFields);
  if (found) checkPreconditions(ctx);
}

/** Server-side apply of a new object is a create as well. */
async function checkMayCreate(ctx: RequestContext, { authorizer }: Pick<Services, "authorizer">): Promise<void> {
  if (ctx.target.subresource !== "") throw notFound(errorTarget(ctx));
  const attributes = { ...ctx.target, user: ctx.user, verb: "create", path: undefined };
  const { allowed, reason } = await authorizer.authorize(attributes);
  if (!allowed) throw refusal(attributes, reason);
}

async function decodeDelete(ctx: RequestContext, services: Pick<Services, "store">): Promise<void> {
  ctx.deleteOptions ??= deleteOptions(ctx);
  await loadExisting(ctx, services);
  ctx.operation = "DELETE";
  const { resourceVersion, uid } = ctx.deleteOptions;
  ctx.retriable = resourceVersion === undefined && uid === undefined;
}

async function loadExisting(
  ctx: RequestContext,
  { store }: Pick<Services, "store">,
  { optional = false } = {},
): Promise<boolean> {
  const { storage, namespaced, conversion } = ctx.served;
  const { namespace, name } = ctx.target;
  ctx.key = { ...storage, namespace: namespaced ? namespace : "", name };
  const existing = await store.get(ctx.key);
  if (existing === undefined) {
    if (optional) return false;
    throw notFound(errorTarget(ctx));
  }
  const decoded = decodeStored(existing);
  ctx.existing = existing;
  ctx.old = conversion === undefined ? decoded : conversion.toServed(decoded);
  // A default that the schema got since: it belongs to nobody, also not to whoever writes next.
  ctx.served.schema?.applyDefaults(ctx.old);
  return true;
}

export function errorTarget(ctx: RequestContext): { group: string; plural: string; kind: string; name?: string } {
  const { group, plural, kind } = ctx.served;
  const name = ctx.key?.name || ctx.target.name;
  return { group, plural, kind, ...(name !== "" && { name }) };
}

function checkType(ctx: RequestContext, object: JsonObject): void {
  const { apiVersion, kind, namesItsType } = ctx.served;
  if (!namesItsType) {
    object["apiVersion"] ??= apiVersion;
    object["kind"] ??= kind;
  }
  if (object["apiVersion"] !== apiVersion) {
    throw badRequest(
      `the API version in the data (${textOf(object["apiVersion"])}) does not match the expected API version (${apiVersion})`,
    );
  }
  if (object["kind"] !== kind) {
    throw badRequest(`the kind in the data (${textOf(object["kind"])}) does not match the expected kind (${kind})`);
  }
}

/** A patch may not make an object of another kind out of this one. */
function checkPatchedType(ctx: RequestContext, object: JsonObject): void {
  for (const key of ["kind", "apiVersion"] as const) {
    const given = object[key];
    if (given === ctx.served[key]) continue;
    const message = `Invalid value: ${JSON.stringify(given ?? "")}: must be ${ctx.served[key]}`;
    throw invalid(errorTarget(ctx), [{ reason: "FieldValueInvalid", field: key, message }]);
  }
}

function checkNames(ctx: RequestContext, object: JsonObject): void {
  const { kind, version } = ctx.served;
  const wrong = metadataProblem(object);
  if (wrong !== undefined) {
    throw badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${wrong}`);
  }
  const metadata = metadataOf(object);
  const { name, namespace, verb } = ctx.target;
  if (verb !== "create") {
    if (metadata["name"] === undefined || metadata["name"] === "") metadata["name"] = name;
    if (metadata["name"] !== name) {
      throw badRequest(
        `the name of the object (${textOf(metadata["name"])}) does not match the name on the URL (${name})`,
      );
    }
  }
  if (!ctx.served.namespaced) return;
  if (metadata["namespace"] === undefined || metadata["namespace"] === "") metadata["namespace"] = namespace;
  if (metadata["namespace"] !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
}

/** Prunes and defaults; unknown and duplicate fields become warnings or an error, as `fieldValidation` says. */
function complete(
  ctx: RequestContext,
  object: JsonObject,
  duplicateFields: string[],
  foundBefore: string[] = [],
): JsonObject {
  const { schema, kind, version } = ctx.served;
  const unknownFields = [...foundBefore, ...(schema?.prune(object, { keepNulls: ctx.applied }) ?? [])];
  const directive = ctx.options?.fieldValidation ?? "Warn";
  if (directive === "Strict" && ctx.info.verb === "patch") {
    const texts = describeSuspectFields({ duplicateFields, unknownFields });
    if (texts.length > 0) {
      const field = "patch";
      const message = `Invalid value: ${shownPatch(ctx)}: ${strictDecodingError(texts)}`;
      throw invalid(errorTarget(ctx), [{ reason: "FieldValueInvalid", field, message }]);
    }
  }
  for (const text of applyFieldValidation(directive, { kind, version, duplicateFields, unknownFields })) ctx.warn(text);
  schema?.applyDefaults(object);
  tidyMetadata(object);
  ctx.served.strategy.complete?.(object);
  return object;
}

const maxShownCharacters = 200;

function shownPatch({ body, served }: RequestContext): string {
  return JSON.stringify(
    served.isSecret ? "<secret contents redacted>" : body?.toString("utf8").slice(0, maxShownCharacters),
  );
}

function checkPreconditions(ctx: RequestContext): void {
  const { object, old, existing } = ctx;
  if (object === undefined || old === undefined || existing === undefined) return;
  const metadata = metadataOf(object);
  const { uid } = metadata;
  const current = metadataOf(old)["uid"];
  if (typeof uid === "string" && uid !== "" && uid !== current) {
    if (ctx.info.verb === "patch") throw uidChanged(ctx, uid);
    throw conflict(
      errorTarget(ctx),
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${textOf(current)}`,
    );
  }
  const given = metadata["resourceVersion"];
  if (given === undefined || given === "") {
    ctx.retriable = true;
    if (!ctx.served.allowsUnconditionalUpdate && ctx.info.verb === "update") throw revisionMissing(ctx);
    metadata["resourceVersion"] = String(existing.revision);
    return;
  }
  if (given !== String(existing.revision)) throw conflict(errorTarget(ctx), modified);
  ctx.retriable = ctx.info.verb === "patch" && !patchNamesRevision(ctx);
}

function uidChanged(ctx: RequestContext, uid: string): Error {
  const message = `Invalid value: ${JSON.stringify(uid)}: field is immutable`;
  return invalid(errorTarget(ctx), [{ reason: "FieldValueInvalid", field: "metadata.uid", message }]);
}

/** The resource instead of the kind, and 0 for nothing: kube-apiserver's very words. */
function revisionMissing(ctx: RequestContext): Error {
  const { plural } = ctx.served;
  const message = "Invalid value: 0: must be specified for an update";
  return invalid({ ...errorTarget(ctx), kind: plural }, [
    { reason: "FieldValueInvalid", field: "metadata.resourceVersion", message },
  ]);
}

/** A patch that carries a resourceVersion is conditional; one that does not inherits the stored one. */
function patchNamesRevision(ctx: RequestContext): boolean {
  return ctx.body?.includes('"resourceVersion"') === true || ctx.body?.includes("resourceVersion:") === true;
}
