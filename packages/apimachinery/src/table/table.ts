/**
 * Table (meta.k8s.io/v1), what `kubectl get` asks for, and PartialObjectMetadata, what metadata informers ask for.
 * Source: k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor and https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 */
import { badRequest } from "@krate/kinds";
import type { JsonObject, JsonValue } from "../json.ts";
import { dig, isObject } from "../json.ts";
import { ageOf } from "./age.ts";
import { compileJsonPath } from "./json-path.ts";

export type ColumnType = "string" | "integer" | "number" | "boolean" | "date";

/** A column after Name: where its value is, or how it is computed. */
export interface TableColumn {
  name: string;
  type: ColumnType;
  description?: string;
  format?: string;
  priority?: number;
  jsonPath?: string;
  /** For columns that no path can say; wins over `jsonPath`. */
  value?: (object: JsonObject, now: Date) => JsonValue | undefined;
}

export interface TableColumnDefinition {
  name: string;
  type: string;
  format: string;
  description: string;
  priority: number;
}

export interface TableConvertor {
  readonly columnDefinitions: readonly TableColumnDefinition[];
  /** The cells of one object, in the order of the definitions. */
  cells(object: JsonObject, now: Date): JsonValue[];
}

export type IncludeObject = "None" | "Metadata" | "Object";

export interface Table {
  kind: "Table";
  apiVersion: "meta.k8s.io/v1";
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  /** None in watch events after the first. */
  columnDefinitions: readonly TableColumnDefinition[] | null;
  rows: { cells: JsonValue[]; object: JsonValue }[];
}

export const tableVersion = "meta.k8s.io/v1";

/** The column kinds have that declare none, and that ours have last. */
export const ageColumn: TableColumn = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description:
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.",
};

const nameDefinition: TableColumnDefinition = {
  name: "Name",
  type: "string",
  format: "name",
  description:
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
  priority: 0,
};

/**
 * Compiles the columns of a kind once. Name comes first unless a column has that name (events show it last); without any column there is Age, as for a CRD.
 *
 * @throws Error for a malformed JSONPath
 */
export function tableConvertor(columns: readonly TableColumn[]): TableConvertor {
  const shown = columns.length === 0 ? [ageColumn] : columns;
  const readers = shown.map(cellReader);
  const named = shown.some(({ name }) => name === nameDefinition.name);
  return {
    columnDefinitions: named ? shown.map(definitionOf) : [nameDefinition, ...shown.map(definitionOf)],
    cells: (object, now) => {
      const cells: JsonValue[] = named ? [] : [dig(object, "metadata", "name") ?? null];
      for (const read of readers) cells.push(read(object, now));
      return cells;
    },
  };
}

function definitionOf({ name, type, format, description, priority, jsonPath }: TableColumn): TableColumnDefinition {
  return {
    name,
    type,
    format: format ?? "",
    description:
      description ??
      (jsonPath === undefined ? "" : `Custom resource definition column (in JSONPath format): ${jsonPath}`),
    priority: priority ?? 0,
  };
}

function cellReader({ type, jsonPath, value }: TableColumn): (object: JsonObject, now: Date) => JsonValue {
  if (value !== undefined) return (object, now) => value(object, now) ?? null;
  const path = compileJsonPath(jsonPath ?? "");
  return (object, now) => {
    const [found] = path(object);
    return found === undefined || found === null ? null : cell(found, type, now);
  };
}

function cell(value: JsonValue, type: ColumnType, now: Date): JsonValue {
  switch (type) {
    case "string":
      return typeof value === "string" ? value : JSON.stringify(value);
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return typeof value === "string" ? ageOf(value, now) : null;
  }
}

/** @throws badRequest naming the allowed values */
export function parseIncludeObject(value: string | null | undefined): IncludeObject {
  if (value === null || value === undefined || value === "") return "Metadata";
  if (value === "None" || value === "Metadata" || value === "Object") return value;
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(value)}: must be 'Metadata', 'Object', 'None', or empty`,
  );
}

export interface RenderTableOptions {
  now: Date;
  /** @defaultValue 'Metadata' */
  includeObject?: IncludeObject;
  /** Watch events after the first send no column definitions. @defaultValue true */
  headers?: boolean;
  /** List metadata; for a single object its own resourceVersion is taken. */
  metadata?: Table["metadata"];
}

/** The Table of one object or of the items of a list. */
export function renderTable(
  convertor: TableConvertor,
  objects: readonly JsonObject[],
  options: RenderTableOptions,
): Table {
  const { now, includeObject = "Metadata", headers = true } = options;
  const [single] = objects;
  const own =
    objects.length === 1 && options.metadata === undefined ? dig(single, "metadata", "resourceVersion") : undefined;
  return {
    kind: "Table",
    apiVersion: tableVersion,
    metadata: options.metadata ?? (typeof own === "string" ? { resourceVersion: own } : {}),
    columnDefinitions: headers ? convertor.columnDefinitions : null,
    rows: objects.map((object) => ({ cells: convertor.cells(object, now), object: rowObject(object, includeObject) })),
  };
}

function rowObject(object: JsonObject, includeObject: IncludeObject): JsonValue {
  if (includeObject === "None") return null;
  return includeObject === "Object" ? object : partialMetadata(object);
}

/** The object reduced to its metadata. */
export function partialMetadata(object: JsonObject): JsonObject {
  return {
    kind: "PartialObjectMetadata",
    apiVersion: tableVersion,
    metadata: isObject(object.metadata) ? object.metadata : {},
  };
}

/** A list reduced to the metadata of its items. */
export function partialMetadataList(items: readonly JsonObject[], metadata: Table["metadata"]): JsonObject {
  return {
    kind: "PartialObjectMetadataList",
    apiVersion: tableVersion,
    metadata: { ...metadata },
    items: items.map(partialMetadata),
  };
}
