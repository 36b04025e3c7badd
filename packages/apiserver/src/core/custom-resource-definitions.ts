/**
 * CustomResourceDefinition: a new object makes its resources at once. What kube-apiserver leaves to controllers (names accepted,
 * Established, stored versions) happens before the write, so the answer already says Established.
 * Source: k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition and pkg/controller/{status,establish}.
 */
import {
  checkRulesInTurns,
  checkStructural,
  equalJson,
  isObject,
  type JsonObject,
  type JsonValue,
  type Schema,
} from "@krate/apimachinery";
import type { FieldError } from "@krate/kinds";
import type { RequestContext } from "../context.ts";
import { finalizersOf, isBeingDeleted, metadataOf, nameOf, sectionOf, textOf, timestamp } from "../objects.ts";
import { customResources } from "../resources/custom.ts";
import type { ResourceRegistry } from "../resources/registry.ts";
import type { ServedResource, Strategy } from "../resources/resource.ts";

export const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

function objectsIn(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function customResourceDefinitionStrategy(publisher: CustomResourcePublisher): Strategy {
  return {
    complete,
    prepareForCreate: (ctx, object) => {
      object["status"] = statusOf(ctx, object, undefined);
    },
    prepareForUpdate: (ctx, object, old) => {
      if (ctx.target.subresource === "status") return;
      object["status"] = statusOf(ctx, object, old);
    },
    // The controller takes it away again when no object is left.
    prepareForDelete: (_ctx, object) => {
      metadataOf(object)["finalizers"] = [...new Set([...finalizersOf(object), cleanupFinalizer])];
    },
    validate: (_ctx, object, old) => validate(object, old),
    afterWrite: (_ctx, object, old) => {
      if (object !== undefined) publisher.publish(object);
      else if (old !== undefined) publisher.withdraw(nameOf(old));
    },
  };
}

/** Defaults that the schema does not carry. */
function complete(object: JsonObject): void {
  const spec = sectionOf(object, "spec");
  if (isObject(spec["names"])) {
    const names = spec["names"];
    names["singular"] ??= textOf(names["kind"]).toLowerCase();
    names["listKind"] ??= `${textOf(names["kind"])}List`;
  }
  spec["conversion"] ??= { strategy: "None" };
  object["spec"] = spec;
}

function statusOf(ctx: RequestContext, object: JsonObject, old: JsonObject | undefined): JsonObject {
  const spec = sectionOf(object, "spec");
  const before = sectionOf(old, "status");
  const stored = new Set(Array.isArray(before["storedVersions"]) ? before["storedVersions"].map(String) : []);
  for (const version of objectsIn(spec["versions"]))
    if (version["storage"] === true) stored.add(textOf(version["name"]));
  const conditions = objectsIn(before["conditions"]);
  const has = (type: string) => conditions.some((condition) => condition["type"] === type);
  const now = timestamp(ctx.services.now());
  const condition = (type: string, reason: string, message: string): JsonObject[] =>
    has(type) ? [] : [{ type, status: "True", lastTransitionTime: now, reason, message }];
  return {
    ...before,
    conditions: [
      ...conditions,
      ...condition("NamesAccepted", "NoConflicts", "no conflicts found"),
      ...condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ],
    acceptedNames: spec["names"],
    storedVersions: [...stored],
  };
}

async function validate(object: JsonObject, old: JsonObject | undefined): Promise<FieldError[]> {
  const errors: FieldError[] = [];
  const spec = sectionOf(object, "spec");
  const names = isObject(spec["names"]) ? spec["names"] : {};
  const wanted = `${textOf(names["plural"])}.${textOf(spec["group"])}`;
  if (nameOf(object) !== wanted) {
    errors.push(invalidField("metadata.name", nameOf(object), 'must be spec.names.plural+"."+spec.group'));
  }
  const storage = objectsIn(spec["versions"]).filter((version) => version["storage"] === true);
  if (storage.length !== 1) {
    errors.push(
      invalidField("spec.versions", storage.length, "must have exactly one version marked as storage version"),
    );
  }
  errors.push(...(await validateSchemas(object, old)));
  const { strategy } = isObject(spec["conversion"]) ? spec["conversion"] : {};
  if (strategy !== undefined && strategy !== "None") {
    errors.push({
      reason: "FieldValueNotSupported",
      field: "spec.conversion.strategy",
      message: `Unsupported value: ${JSON.stringify(strategy)}: supported values: "None"`,
    });
  }
  if (old !== undefined) {
    const before = sectionOf(old, "spec");
    if (before["group"] !== spec["group"])
      errors.push(invalidField("spec.group", spec["group"] ?? "", "field is immutable"));
    if (before["scope"] !== spec["scope"])
      errors.push(invalidField("spec.scope", spec["scope"] ?? "", "field is immutable"));
  }
  return errors;
}

/** kube-apiserver looks at the schema of a definition once where all its versions have the same, and tells mistakes in a place of its own then. */
async function validateSchemas(object: JsonObject, old: JsonObject | undefined): Promise<FieldError[]> {
  if (sameVersions(object, old)) return [];
  const versions = objectsIn(sectionOf(object, "spec")["versions"]);
  const schemas = versions.map(schemaOf);
  const isOne = schemas.every((schema) => isObject(schema) && equalJson(schema, schemas[0]));
  const before = new Map(
    objectsIn(sectionOf(old, "spec")["versions"]).map((version) => [version["name"], schemaOf(version)]),
  );
  const errors: FieldError[] = [];
  for (const [index, schema] of schemas.slice(0, isOne ? 1 : undefined).entries()) {
    const place = `spec.versions[${index}].schema.openAPIV3Schema`;
    const field = isOne ? "spec.validation.openAPIV3Schema" : place;
    const unchanged = equalJson(schema, before.get(versions[index]?.["name"]));
    if (!isObject(schema))
      errors.push({ reason: "FieldValueRequired", field: place, message: "Required value: schemas are required" });
    else errors.push(...(await validateSchema(schema as Schema, field, unchanged)));
  }
  return errors;
}

async function validateSchema(schema: Schema, field: string, unchanged: boolean): Promise<FieldError[]> {
  const shape = checkStructural(schema, field);
  return shape.length > 0 ? shape : checkRulesInTurns(schema, field, { unchanged });
}

function schemaOf(version: JsonObject): JsonValue | undefined {
  return isObject(version["schema"]) ? version["schema"]["openAPIV3Schema"] : undefined;
}

/** Rules that were accepted once need not be compiled again for a change elsewhere. */
function sameVersions(object: JsonObject, old: JsonObject | undefined): boolean {
  return old !== undefined && equalJson(sectionOf(object, "spec")["versions"], sectionOf(old, "spec")["versions"]);
}

function invalidField(field: string, value: JsonValue, message: string): FieldError {
  return { reason: "FieldValueInvalid", field, message: `Invalid value: ${JSON.stringify(value)}: ${message}` };
}

/** Keeps the registry equal to the definitions: by `afterWrite` for this replica, by a watch for writes of others. */
export class CustomResourcePublisher {
  readonly #registry: ResourceRegistry;
  readonly #published = new Map<
    string,
    { uid: string; spec: JsonValue | undefined; resources: readonly ServedResource[] }
  >();

  constructor(registry: ResourceRegistry) {
    this.#registry = registry;
  }

  publish(definition: JsonObject): void {
    const name = nameOf(definition);
    const uid = textOf(metadataOf(definition)["uid"]);
    const spec = definition["spec"];
    const before = this.#published.get(name);
    if (before !== undefined && before.uid === uid && JSON.stringify(before.spec) === JSON.stringify(spec)) {
      if (!isBeingDeleted(definition)) return;
    }
    const resources = customResources(definition);
    if (before !== undefined) {
      const gone = before.resources.filter((old) => !resources.some((each) => each.version === old.version));
      if (gone.length > 0) this.#registry.remove(...gone);
    }
    if (resources.length > 0) this.#registry.add(...resources);
    this.#published.set(name, { uid, spec, resources });
  }

  withdraw(name: string): void {
    const before = this.#published.get(name);
    if (before === undefined) return;
    this.#published.delete(name);
    this.#registry.remove(...before.resources);
  }
}
