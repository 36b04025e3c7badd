/** The core kinds this server serves in standalone mode: kube-apiserver's descriptions plus what the kind does (strategy, printer). */
import { ageOf, compileSchema, type JsonObject, type JsonValue, type TableConvertor } from "@krate/apimachinery";
import { metadataOf } from "../objects.ts";
import {
  type Conversion,
  defineResource,
  type ResourceVerb,
  type ServedResource,
  type Strategy,
  type Subresource,
} from "../resources/resource.ts";
import { type Printer, printers } from "./printers.ts";
import { type CoreColumn, type CoreResource, coreDefinitions, coreResources } from "./schemas.ts";

/** What a core kind has beyond its schema. */
export interface CoreBehaviour {
  strategy?: Strategy;
  /** @defaultValue all that kube-apiserver serves */
  verbs?: readonly ResourceVerb[];
  selectableFields?: readonly string[];
  countsGeneration?: boolean;
  nameRule?: ServedResource["nameRule"];
  conversion?: Conversion;
  storage?: { group: string; resource: string };
  isSecret?: boolean;
  subresources?: Record<string, Subresource["connect"]>;
}

/** Behaviour by `<group>/<resource>`. */
export type CoreBehaviours = Readonly<Record<string, CoreBehaviour>>;

export function coreServedResources(behaviours: CoreBehaviours): ServedResource[] {
  return coreResources.map((core) => served(core, behaviours[`${core.group}/${core.resource}`] ?? {}));
}

function served(core: CoreResource, behaviour: CoreBehaviour): ServedResource {
  const { group, version, kind, resource: plural, singular, namespaced, shortNames, categories } = core;
  const openapi = coreDefinitions[core.schema];
  const { subresources: connects = {}, ...rest } = behaviour;
  const subresources = core.subresources
    .filter(({ name }) => name !== "status" && connects[name] !== undefined)
    .map(({ name, verbs, ...gvk }) => [
      name,
      { group: gvk.group, version: gvk.version, kind: gvk.kind, verbs, connect: connects[name] } as Subresource,
    ]);
  return defineResource({
    group,
    version,
    kind,
    plural,
    singular,
    namespaced,
    shortNames,
    categories,
    description: openapi?.description ?? "",
    verbs: core.verbs as ResourceVerb[],
    schema: openapi === undefined ? undefined : compileSchema(openapi, coreDefinitions),
    openapi,
    table: tableOf(core),
    hasStatus: core.subresources.some(({ name }) => name === "status"),
    allowsUnconditionalUpdate: true,
    allowsStrategicPatch: true,
    subresources: Object.fromEntries(subresources),
    ...rest,
  });
}

function tableOf({ group, kind, columns }: CoreResource): TableConvertor {
  const printer: Printer = printers[group === "" ? kind : `${kind}.${group}`] ?? {};
  const readers = columns.map((column) => cellOf(column, printer));
  return { columnDefinitions: columns, cells: (object, now) => readers.map((read) => read(object, now)) };
}

function cellOf({ name }: CoreColumn, printer: Printer): (object: JsonObject, now: Date) => JsonValue {
  const own = printer[name];
  if (own !== undefined) return own;
  if (name === "Name") return (object) => metadataOf(object)["name"] ?? "";
  if (name === "Age") return (object, now) => ageOf(metadataOf(object)["creationTimestamp"], now);
  if (name === "Created At") return (object) => metadataOf(object)["creationTimestamp"] ?? "";
  return () => "<unknown>";
}
