/**
 * What is being admitted, as webhooks and expressions see it.
 * Source: k8s.io/apiserver/pkg/admission/attributes.go and pkg/endpoints/handlers (create, update, patch, delete).
 */
import { isObject, type JsonObject, type JsonValue } from "@krate/apimachinery";
import type { RequestContext } from "../context.ts";
import { userInfo } from "../core/reviews.ts";
import { metadataOf, textOf } from "../objects.ts";
import type { GroupVersionKind, ServedResource } from "../resources/resource.ts";
import { type Subject, subjectOf } from "./match.ts";

export interface Attributes extends Subject {
  /** Of the object: a subresource may have one of its own. */
  objectKind: GroupVersionKind;
  /** Of a Namespace its own name. */
  namespace: string;
  object: JsonObject | undefined;
  oldObject: JsonObject | undefined;
}

/** `ctx` now: a mutating plugin that ran before has been heard. */
export function attributesOf(ctx: RequestContext): Attributes {
  const subject = subjectOf(ctx);
  const { object } = ctx;
  // A name that is still to be generated is empty, as it is in kube-apiserver until then.
  const name = subject.name === "" && object !== undefined ? textOf(metadataOf(object)["name"]) : subject.name;
  return {
    ...subject,
    name,
    objectKind: objectKindOf(ctx, ctx.served),
    namespace: subject.isNamespace ? name : subject.namespaced ? ctx.target.namespace : "",
    object: ctx.operation === "DELETE" ? undefined : object,
    oldObject: ctx.old,
  };
}

/** Of what a request on `resource` is about. */
export function objectKindOf({ target }: RequestContext, resource: ServedResource): GroupVersionKind {
  const { group, version, kind } = resource.subresources.get(target.subresource) ?? resource;
  return { group, version, kind };
}

/** In which version and kind the receiver of a request wants the objects. */
export interface Representation {
  version: string;
  group: string;
  resource: string;
  objectKind: GroupVersionKind;
}

/** An AdmissionRequest without uid and objects; every field is set. */
export function requestFields(
  ctx: RequestContext,
  attributes: Attributes,
  as: Representation = attributes,
): JsonObject {
  const { group, version, objectKind, resource, subresource, name, namespace, operation } = attributes;
  return {
    kind: { ...as.objectKind },
    resource: { group: as.group, version: as.version, resource: as.resource },
    subResource: subresource,
    requestKind: { ...objectKind },
    requestResource: { group, version, resource },
    requestSubResource: subresource,
    name,
    namespace,
    operation,
    userInfo: { uid: "", extra: {}, ...userInfo(ctx.user) },
    dryRun: ctx.options?.dryRun ?? false,
    options: optionsOf(ctx),
  };
}

/** The options of the request as the object they are in Go: CreateOptions, UpdateOptions or DeleteOptions. */
function optionsOf(ctx: RequestContext): JsonObject {
  const { operation, options, params } = ctx;
  const apiVersion = "meta.k8s.io/v1";
  const dryRun: JsonObject = options?.dryRun === true ? { dryRun: ["All"] } : {};
  if (operation === "DELETE") return { apiVersion, kind: "DeleteOptions", ...deleteFields(ctx), ...dryRun };
  const manager = params.get("fieldManager");
  const validation = params.get("fieldValidation");
  return {
    apiVersion,
    kind: operation === "CREATE" ? "CreateOptions" : "UpdateOptions",
    ...dryRun,
    ...(manager !== null && manager !== "" && { fieldManager: manager }),
    ...(validation !== null && validation !== "" && { fieldValidation: validation }),
  };
}

function deleteFields({ deleteOptions }: RequestContext): JsonObject {
  const { gracePeriodSeconds, propagationPolicy, uid, resourceVersion } = deleteOptions ?? {};
  const preconditions: JsonObject = {
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  };
  return {
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(propagationPolicy !== undefined && { propagationPolicy }),
    ...(Object.keys(preconditions).length > 0 && { preconditions }),
  };
}

export function objectsIn(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
