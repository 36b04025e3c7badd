import { objectMetaSchema } from "../schema/object-meta.ts";
import type { Definitions, Schema } from "../schema/types.ts";
import { metaNames } from "./document.ts";

const text: Schema = { type: "string" };

/** The schemas of meta.k8s.io/v1 that every document needs, for a server that brings no definitions of its own. */
export const metaDefinitions: Definitions = {
  [metaNames.objectMeta]: {
    description:
      "ObjectMeta is metadata that all persisted resources must have, which includes all objects users must create.",
    ...objectMetaSchema,
  },
  [metaNames.listMeta]: {
    description: "ListMeta describes metadata that lists have.",
    type: "object",
    properties: {
      continue: { type: "string", description: "Token for the next page." },
      remainingItemCount: { type: "integer", format: "int64", description: "Items that are not in this page." },
      resourceVersion: { type: "string", description: "Version of the list, where a watch may begin." },
      selfLink: text,
    },
  },
  [metaNames.status]: {
    description: "Status is a return value for calls that don't return other objects.",
    type: "object",
    properties: {
      apiVersion: text,
      kind: text,
      metadata: { type: "object" },
      status: text,
      message: text,
      reason: text,
      code: { type: "integer", format: "int32" },
      details: {
        type: "object",
        properties: {
          name: text,
          group: text,
          kind: text,
          uid: text,
          retryAfterSeconds: { type: "integer", format: "int32" },
          causes: {
            type: "array",
            items: { type: "object", properties: { reason: text, message: text, field: text } },
          },
        },
      },
    },
    "x-kubernetes-group-version-kind": [{ group: "", version: "v1", kind: "Status" }],
  },
  [metaNames.deleteOptions]: {
    description: "DeleteOptions may be provided when deleting an API object.",
    type: "object",
    properties: {
      apiVersion: text,
      kind: text,
      dryRun: { type: "array", items: text },
      gracePeriodSeconds: { type: "integer", format: "int64" },
      orphanDependents: { type: "boolean" },
      preconditions: { type: "object", properties: { resourceVersion: text, uid: text } },
      propagationPolicy: text,
    },
  },
  [metaNames.patch]: {
    description: "Patch is provided to give a concrete name and type to the Kubernetes PATCH request body.",
    type: "object",
  },
};
