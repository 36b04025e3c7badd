/** The record kinds of `forge.krate.a5c.ai` as served resources: everything from `@krate/kinds`, nothing by hand. */
import { ageColumn, type Schema, tableConvertor } from "@krate/apimachinery";
import { allKinds, type Kind } from "@krate/kinds";
import { compileObjectSchema } from "../resources/object-schema.ts";
import { defineResource, type ResourceVerb, type ServedResource, type Subresource } from "../resources/resource.ts";
import { recordStrategies } from "./strategies/index.ts";
import { recordStrategy } from "./strategy.ts";

export const recordKinds: readonly Kind[] = (allKinds as readonly Kind[]).filter((kind) => kind.storage === "postgres");

/** Events are never changed; retention and namespace deletion remove them. */
const appendOnlyVerbs: readonly ResourceVerb[] = ["create", "delete", "deletecollection", "get", "list", "watch"];

export interface RecordBehaviour {
  /** `jobs/log` and the like, by `<plural>/<subresource>`. */
  connects: Readonly<Record<string, Subresource["connect"]>>;
}

export function recordResources({ connects }: RecordBehaviour): ServedResource[] {
  return recordKinds.map((kind) => {
    const openapi = schemaOf(kind);
    return defineResource({
      group: kind.group,
      version: kind.version,
      kind: kind.kind,
      plural: kind.plural,
      singular: kind.singular,
      shortNames: [...(kind.shortNames ?? [])],
      categories: ["krate", ...(kind.categories ?? [])],
      namespaced: kind.scope === "Namespaced",
      description: kind.description,
      schema: compileObjectSchema(openapi),
      openapi,
      table: tableConvertor([...kind.printerColumns, ageColumn]),
      selectableFields: (kind.selectableFields ?? []).map((path) => path.replace(/^\./, "")),
      ...(kind.appendOnly === true && { verbs: appendOnlyVerbs }),
      hasStatus: kind.appendOnly !== true,
      countsGeneration: true,
      strategy: recordStrategy(kind, recordStrategies[kind.plural] ?? {}),
      subresources: subresourcesOf(kind, connects),
    });
  });
}

/** The schema of the whole object. TypeBox marks its schemas with symbols and `~` keys; JSON leaves only what OpenAPI knows. */
function schemaOf(kind: Kind): Schema {
  const plain = JSON.parse(JSON.stringify({ spec: kind.spec, status: kind.status }, dropMarks)) as Record<
    string,
    Schema
  >;
  return {
    type: "object",
    description: kind.description,
    required: ["spec"],
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      spec: plain["spec"] as Schema,
      status: plain["status"] as Schema,
    },
  };
}

function dropMarks(key: string, value: unknown): unknown {
  return key.startsWith("~") ? undefined : value;
}

const verbOf = { get: "get", create: "create", update: "update" } as const;

function subresourcesOf(kind: Kind, connects: RecordBehaviour["connects"]): Record<string, Subresource> {
  const result: Record<string, Subresource> = {};
  for (const [name, declaration] of Object.entries(kind.subresources ?? {})) {
    const connect = connects[`${kind.plural}/${name}`];
    if (connect === undefined) continue;
    const { group, version } = kind;
    result[name] = { group, version, kind: kind.kind, verbs: declaration.verbs.map((verb) => verbOf[verb]), connect };
  }
  return result;
}
