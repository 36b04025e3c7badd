/** CustomResourceDefinitions as served resources. */
import {
  ageColumn,
  type ColumnType,
  type CompiledSchema,
  cloneJson,
  isObject,
  type JsonObject,
  type JsonValue,
  type Schema,
  type TableColumn,
  tableConvertor,
} from "@krate/apimachinery";
import { compareVersions } from "../discovery/versions.ts";
import { metadataOf, sectionOf, textOf } from "../objects.ts";
import { compileObjectSchema } from "./object-schema.ts";
import { defineResource, type ServedResource, type Subresource } from "./resource.ts";
import { scaleSubresource } from "./scale.ts";

function objectsIn(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function textsIn(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** One served resource per served version; none until the definition is Established, none once it is being deleted. */
export function customResources(definition: JsonObject): ServedResource[] {
  if (!isEstablished(definition)) return [];
  const spec = sectionOf(definition, "spec");
  const versions = objectsIn(spec["versions"]);
  const storageVersion = textOf(versions.find((version) => version["storage"] === true)?.["name"]);
  return versions
    .filter((version) => version["served"] === true)
    .map((version) => customResource(definition, version, { convert: versions.length > 1, storageVersion }));
}

export function isEstablished(definition: JsonObject): boolean {
  return objectsIn(sectionOf(definition, "status")["conditions"]).some(
    (condition) => condition["type"] === "Established" && condition["status"] === "True",
  );
}

function customResource(
  definition: JsonObject,
  version: JsonObject,
  { convert, storageVersion }: { convert: boolean; storageVersion: string },
): ServedResource {
  const spec = sectionOf(definition, "spec");
  const names = isObject(spec["names"]) ? spec["names"] : {};
  const group = textOf(spec["group"]);
  const kind = textOf(names["kind"]);
  const name = textOf(version["name"]);
  const openapi = schemaOf(version);
  const stored =
    convert && name !== storageVersion
      ? compileObjectSchema(schemaOf(objectsIn(spec["versions"]).find((each) => each["name"] === storageVersion) ?? {}))
      : undefined;
  const subresources = isObject(version["subresources"]) ? version["subresources"] : {};
  const paths = objectsIn(version["selectableFields"]).map((field) => textOf(field["jsonPath"]).replace(/^\./, ""));
  return defineResource({
    group,
    version: name,
    kind,
    plural: textOf(names["plural"]),
    singular: textOf(names["singular"]) || kind.toLowerCase(),
    listKind: textOf(names["listKind"]) || `${kind}List`,
    shortNames: textsIn(names["shortNames"]),
    categories: textsIn(names["categories"]),
    namespaced: spec["scope"] === "Namespaced",
    description: openapi.description ?? "",
    schema: compileObjectSchema(openapi),
    openapi,
    table: tableConvertor(columnsOf(version)),
    selectableFields: paths,
    hasStatus: subresources["status"] !== undefined,
    countsGeneration: true,
    namesItsType: true,
    subresources: isObject(subresources["scale"])
      ? { scale: scaleSubresource(subresources["scale"]) as Subresource }
      : {},
    ...(convert && { conversion: versionConversion(`${group}/${name}`, `${group}/${storageVersion}`, stored) }),
    ...(version["deprecated"] === true && {
      deprecation:
        textOf(version["deprecationWarning"]) || deprecationOf(objectsIn(spec["versions"]), { group, name, kind }),
    }),
  });
}

/** Names the newest version to use instead. Source: defaultDeprecationWarning in customresource_handler.go. */
function deprecationOf(
  versions: readonly JsonObject[],
  { group, name, kind }: { group: string; name: string; kind: string },
): string {
  const [newest] = versions
    .filter((version) => version["served"] === true && version["deprecated"] !== true)
    .map((version) => textOf(version["name"]))
    .filter((version) => compareVersions(version, name) < 0)
    .sort(compareVersions);
  const text = `${group}/${name} ${kind} is deprecated`;
  return newest === undefined ? text : `${text}; use ${group}/${newest} ${kind}`;
}

/** Conversion strategy None: only apiVersion differs, and what the stored version has a default for. */
function versionConversion(
  served: string,
  stored: string,
  storedSchema: CompiledSchema | undefined,
): NonNullable<ServedResource["conversion"]> {
  return {
    toServed: (object) => ({ ...object, apiVersion: served }),
    toStored: (object) => {
      const result = cloneJson({ ...object, apiVersion: stored });
      storedSchema?.applyDefaults(result);
      return result;
    },
  };
}

function schemaOf(version: JsonObject): Schema {
  const schema = isObject(version["schema"]) ? version["schema"]["openAPIV3Schema"] : undefined;
  return isObject(schema) ? (schema as Schema) : { type: "object", "x-kubernetes-preserve-unknown-fields": true };
}

function columnsOf(version: JsonObject): TableColumn[] {
  const columns = objectsIn(version["additionalPrinterColumns"]).map((column) => ({
    name: textOf(column["name"]),
    type: textOf(column["type"]) as ColumnType,
    jsonPath: textOf(column["jsonPath"]),
    priority: Number(column["priority"] ?? 0),
    ...(column["format"] !== undefined && { format: textOf(column["format"]) }),
    ...(column["description"] !== undefined && { description: textOf(column["description"]) }),
  }));
  return columns.length === 0 ? [ageColumn] : columns;
}

export function definitionName(definition: JsonObject): string {
  return textOf(metadataOf(definition)["name"]);
}
