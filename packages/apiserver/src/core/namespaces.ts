/** Namespace: held by `spec.finalizers` until its content is gone. Source: k8s.io/kubernetes/pkg/registry/core/namespace. */
import type { JsonObject } from "@krate/apimachinery";
import { conflict, forbidden, notFound } from "@krate/kinds";
import { admitSubresource } from "../admission/subresource.ts";
import { readObject } from "../body.ts";
import type { RequestContext } from "../context.ts";
import { encodeFor } from "../encoding.ts";
import {
  decodeStored,
  finalizersOf,
  isBeingDeleted,
  labelsOf,
  metadataOf,
  nameOf,
  sectionOf,
  textOf,
} from "../objects.ts";
import type { Strategy } from "../resources/resource.ts";
import type { AdmissionPlugin, ConfigKind } from "../services.ts";

export const namespaceKind: ConfigKind = { group: "", version: "v1", kind: "Namespace", plural: "namespaces" };
export const nameLabel = "kubernetes.io/metadata.name";
const contentFinalizer = "kubernetes";
const protectedNamespaces = new Set(["default", "kube-system", "kube-public"]);

export const namespaceStrategy: Strategy = {
  complete: setNameLabel,
  prepareForCreate: (_ctx, object) => {
    object["spec"] = { ...sectionOf(object, "spec"), finalizers: [contentFinalizer] };
    object["status"] = { phase: "Active" };
    setNameLabel(object);
  },
  prepareForUpdate: (ctx, object, old) => {
    if (ctx.target.subresource === "") object["spec"] = sectionOf(old, "spec");
    setNameLabel(object);
  },
  prepareForDelete: (_ctx, object) => {
    if (protectedNamespaces.has(nameOf(object))) {
      throw forbidden({ plural: "namespaces", name: nameOf(object) }, "this namespace may not be deleted");
    }
    object["status"] = { ...sectionOf(object, "status"), phase: "Terminating" };
  },
  isHeld: (object) => namespaceFinalizers(object).length > 0,
};

/** Called again once a generated name is known. */
function setNameLabel(object: JsonObject): void {
  if (nameOf(object) === "") return;
  metadataOf(object)["labels"] = { ...labelsOf(object), [nameLabel]: nameOf(object) };
}

export function namespaceFinalizers(object: JsonObject): string[] {
  const { finalizers } = sectionOf(object, "spec");
  return Array.isArray(finalizers) ? finalizers.map(String) : [];
}

/** `PUT /api/v1/namespaces/<name>/finalize`: the only way to change `spec.finalizers`. */
export async function finalizeNamespace(ctx: RequestContext): Promise<void> {
  const { store } = ctx.services;
  const sent = await readObject(ctx);
  const name = ctx.target.name;
  const target = { plural: "namespaces", name };
  const key = { group: "", resource: "namespaces", namespace: "", name };
  const before = await store.get(key);
  if (before === undefined) throw notFound(target);
  const object = await admitSubresource(ctx, sent, decodeStored(before));
  const finalizers = namespaceFinalizers(object);
  const { object: stored } = await store.update(key, {}, (current) => {
    const next = decodeStored(current);
    const revision = textOf(metadataOf(object)["resourceVersion"]);
    if (revision !== "" && revision !== String(current.revision)) {
      throw conflict(
        target,
        "the object has been modified; please apply your changes to the latest version and try again",
      );
    }
    next["spec"] = { ...sectionOf(next, "spec"), finalizers };
    if (isBeingDeleted(next) && finalizers.length === 0 && finalizersOf(next).length === 0) return { do: "remove" };
    return { do: "replace", object: encodeFor(ctx.served, next) };
  });
  ctx.result = { kind: "object", status: 200, stored };
}

/**
 * NamespaceLifecycle: nothing is created in a namespace that is missing (404) or going away (403).
 * Source: k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle.
 */
export const namespaceLifecycle: AdmissionPlugin = {
  name: "NamespaceLifecycle",
  mutate: async (ctx) => {
    if (ctx.operation !== "CREATE" || !ctx.served.namespaced || ctx.served.strategy.answer !== undefined) return;
    const { namespace: name } = ctx.target;
    const namespace = await ctx.services.config.find(namespaceKind, { name });
    if (namespace === undefined) throw notFound({ plural: "namespaces", name });
    if (!isBeingDeleted(namespace)) return;
    const { group, plural } = ctx.served;
    throw forbidden(
      { group, plural, name: textOf(metadataOf(ctx.object as JsonObject)["name"]) },
      `unable to create new content in namespace ${name} because it is being terminated`,
    );
  },
};
