/**
 * A resource as this server serves it: kube-apiserver's strategy + store, as data. Core kinds, records and custom resources
 * all are one of these; the pipeline never asks which.
 */

import {
  type CompiledSchema,
  type JsonObject,
  type NameRule,
  type Schema,
  type TableConvertor,
  tableConvertor,
} from "@krate/apimachinery";
import type { FieldError } from "@krate/kinds";
import type { RequestContext } from "../context.ts";

export type ResourceVerb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

export const allVerbs: readonly ResourceVerb[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

export interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

/** A path behind an object's name that is not the object: `pods/log`, `serviceaccounts/token`, `deployments/scale`. */
export interface Subresource extends GroupVersionKind {
  verbs: readonly ("get" | "create" | "update" | "patch" | "delete")[];
  /** Does the whole work and sets `ctx.response`. */
  connect(ctx: RequestContext): Promise<void>;
}

/** What a kind does beyond what all kinds do. Every hook is optional; `ctx.object` may be changed only in prepare hooks. */
export interface Strategy {
  /** Defaults that the schema cannot say, in place, before it is recorded who owns which field. */
  complete?(object: JsonObject): void;
  prepareForCreate?(ctx: RequestContext, object: JsonObject): void | Promise<void>;
  prepareForUpdate?(ctx: RequestContext, object: JsonObject, old: JsonObject): void | Promise<void>;
  /** Rules that the schema cannot say. `old` is absent on create. */
  validate?(ctx: RequestContext, object: JsonObject, old: JsonObject | undefined): FieldError[] | Promise<FieldError[]>;
  /** Texts for the `Warning` header. */
  warnings?(object: JsonObject, old: JsonObject | undefined): string[];
  /** Throws to refuse a deletion; may add finalizers to what is about to be marked deleted. */
  prepareForDelete?(ctx: RequestContext, object: JsonObject): void | Promise<void>;
  /** Seconds an object stays after its deletion was asked for; `requested` is the client's wish. @defaultValue 0 */
  gracePeriodSeconds?(object: JsonObject, requested: number | undefined): number;
  /** True while something beside finalizers keeps a deleted object (namespaces: `spec.finalizers`). */
  isHeld?(object: JsonObject): boolean;
  /** A delete answers with the object instead of a Status. @defaultValue false */
  returnsDeletedObject?: boolean;
  /** After the commit and before the answer. `undefined` after a removal. */
  afterWrite?(ctx: RequestContext, object: JsonObject | undefined, old: JsonObject | undefined): void | Promise<void>;
  /** An object without a store (reviews): returns the answer. */
  answer?(ctx: RequestContext, object: JsonObject): Promise<JsonObject>;
}

/** Changes between the stored form of an object and the form of this version. Absent when both are the same bytes. */
export interface Conversion {
  toServed(object: JsonObject): JsonObject;
  toStored(object: JsonObject): JsonObject;
}

export interface ServedResource extends GroupVersionKind {
  readonly apiVersion: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly description: string;
  readonly verbs: readonly ResourceVerb[];
  /** Key of the objects in the store; several versions or groups may share one. */
  readonly storage: { readonly group: string; readonly resource: string };
  /** Prune, default, validate. Unknown fields are kept when there is none. */
  readonly schema: CompiledSchema | undefined;
  /** The OpenAPI v3 schema as published; `$ref`s point to definitions of core kinds. */
  readonly openapi: Schema | undefined;
  /** @defaultValue 'subdomain' */
  readonly nameRule: NameRule;
  /** An update without resourceVersion overwrites whatever is there. Custom resources and records refuse it, as kube-apiserver does. */
  readonly allowsUnconditionalUpdate: boolean;
  /** Core kinds only: lists merge by the keys in their schema. */
  readonly allowsStrategicPatch: boolean;
  readonly table: TableConvertor;
  /** Paths such as `spec.repository`. */
  readonly selectableFields: readonly string[];
  readonly hasStatus: boolean;
  /** Values must not stand in errors, which end up in logs: Secrets. */
  readonly isSecret: boolean;
  /** `metadata.generation` is kept: every change outside metadata and status raises it. */
  readonly countsGeneration: boolean;
  /** Objects without apiVersion and kind are refused instead of taken for one. Custom resources, as in kube-apiserver. */
  readonly namesItsType: boolean;
  readonly conversion?: Conversion | undefined;
  readonly strategy: Strategy;
  readonly subresources: ReadonlyMap<string, Subresource>;
  /** Text of the `Warning` on every use. */
  readonly deprecation?: string | undefined;
}

export type ResourceOptions = Partial<
  Omit<ServedResource, "group" | "version" | "kind" | "plural" | "storage" | "subresources">
> &
  GroupVersionKind & {
    plural: string;
    storage?: { group: string; resource: string };
    subresources?: Record<string, Subresource>;
  };

const nameAndAge = tableConvertor([]);

/** Fills what most resources have alike. */
export function defineResource(options: ResourceOptions): ServedResource {
  const { group, version, kind, plural } = options;
  return Object.freeze({
    apiVersion: group === "" ? version : `${group}/${version}`,
    listKind: `${kind}List`,
    singular: kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: true,
    description: "",
    verbs: allVerbs,
    schema: undefined,
    openapi: undefined,
    nameRule: "subdomain" as const,
    allowsUnconditionalUpdate: false,
    allowsStrategicPatch: false,
    table: nameAndAge,
    selectableFields: [],
    hasStatus: false,
    isSecret: false,
    countsGeneration: false,
    namesItsType: false,
    strategy: {},
    ...options,
    storage: options.storage ?? { group, resource: plural },
    subresources: new Map(Object.entries(options.subresources ?? {})),
  });
}
