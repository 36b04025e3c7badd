/**
 * For tests: one object behind this package's functions in the order a server calls them, so that a sequence of requests can be run here and
 * against a real kube-apiserver and both ends be compared.
 */
import { ApiError, badRequest, invalid, notFound } from "@krate/kinds";
import { applyConfiguration, trackUpdate } from "../apply/index.ts";
import type { JsonObject } from "../json.ts";
import { cloneJson, dig, isObject } from "../json.ts";
import { applyJsonPatch, applyMergePatch, applyStrategicMergePatch } from "../patch/index.ts";
import type { CompiledSchema } from "../schema/index.ts";

export type StepVerb = "create" | "update" | "merge" | "json" | "strategic" | "apply";

/** One request. */
export interface Step {
  verb: StepVerb;
  body: unknown;
  /** @defaultValue 'tester' */
  manager?: string;
  force?: boolean;
  subresource?: "status";
}

export interface ModelOptions {
  schema: CompiledSchema;
  apiVersion: string;
  kind: string;
  name: string;
  namespace: string;
  /** @defaultValue true */
  hasStatus?: boolean;
}

export class ModelServer {
  readonly #options: ModelOptions;
  #stored: JsonObject | undefined;
  #writes = 0;

  constructor(options: ModelOptions) {
    this.#options = options;
  }

  get stored(): JsonObject | undefined {
    return this.#stored;
  }

  /** @returns the HTTP code and the object or Status */
  send(step: Step): { code: number; body: JsonObject } {
    const created = this.#stored === undefined;
    try {
      const object = this.#write(step);
      return { code: created ? 201 : 200, body: object };
    } catch (error) {
      if (error instanceof ApiError) return { code: error.code, body: error.toStatus() as unknown as JsonObject };
      throw error;
    }
  }

  #write(step: Step): JsonObject {
    const { schema, hasStatus = true } = this.#options;
    const live = this.#stored;
    let next: JsonObject;
    if (step.verb === "apply") {
      next = applyConfiguration(live, this.#prepare(cloneJson(step.body) as JsonObject), this.#applyOptions(step));
      schema.applyDefaults(next);
    } else {
      next = this.#changed(step);
      schema.prune(next);
      schema.applyDefaults(next);
      next = trackUpdate(live, next, this.#applyOptions(step));
    }
    if (hasStatus) next = this.#withoutOtherSide(next, live, step.subresource);
    const errors = schema.validate(next, live);
    if (errors.length > 0) throw invalid({ kind: this.#options.kind, name: this.#options.name }, errors);
    this.#stored = this.#withSystemFields(next, live);
    return this.#stored;
  }

  #prepare(configuration: JsonObject): JsonObject {
    const unknown = this.#options.schema.prune(configuration);
    if (unknown.length > 0) throw badRequest(`.${unknown[0]}: field not declared in schema`);
    return configuration;
  }

  #changed(step: Step): JsonObject {
    const live = this.#stored;
    if (step.verb === "create") return cloneJson(step.body) as JsonObject;
    if (live === undefined) throw notFound({ plural: this.#options.kind, name: this.#options.name });
    if (step.verb === "update") return this.#updateOf(step.body as JsonObject, live);
    if (step.verb === "json") return applyJsonPatch(live, step.body);
    if (step.verb === "merge") return cloneJson(applyMergePatch(live, step.body as JsonObject));
    return applyStrategicMergePatch(live, step.body as JsonObject, this.#options.schema.schema);
  }

  #updateOf(body: JsonObject, live: JsonObject): JsonObject {
    const metadata = { ...(isObject(body.metadata) ? body.metadata : {}) };
    for (const key of ["uid", "creationTimestamp", "resourceVersion"]) metadata[key] = dig(live, "metadata", key);
    return cloneJson({ ...body, metadata });
  }

  #applyOptions(step: Step) {
    const { schema, apiVersion, hasStatus = true } = this.#options;
    return {
      schema: schema.schema,
      apiVersion,
      manager: step.manager ?? "tester",
      now: new Date(1_700_000_000_000),
      subresource: step.subresource ?? "",
      ...(hasStatus ? {} : { resetFields: [] }),
      ...(step.force === undefined ? {} : { force: step.force }),
    };
  }

  #withoutOtherSide(next: JsonObject, live: JsonObject | undefined, subresource: "status" | undefined): JsonObject {
    if (subresource === "status") {
      const managedFields = dig(next, "metadata", "managedFields");
      return { ...live, metadata: { ...(live?.metadata as JsonObject), managedFields }, status: next.status };
    }
    const { status: _status, ...rest } = next;
    return live?.status === undefined ? rest : { ...rest, status: live.status };
  }

  #withSystemFields(next: JsonObject, live: JsonObject | undefined): JsonObject {
    this.#writes++;
    const { name, namespace } = this.#options;
    const uid = dig(live, "metadata", "uid") ?? "uid";
    const metadata = {
      ...(next.metadata as JsonObject),
      name,
      namespace,
      uid,
      creationTimestamp: "2026-01-01T00:00:00Z",
      resourceVersion: String(this.#writes),
    };
    return { ...next, metadata };
  }
}

/** An object without what differs between two servers: ids, versions and times; an entry's time is kept as whether there is one. */
export function comparable(object: JsonObject | undefined): unknown {
  if (object === undefined || !isObject(object.metadata)) return object;
  const {
    uid: _uid,
    resourceVersion: _revision,
    creationTimestamp: _created,
    generation: _generation,
    managedFields,
    ...metadata
  } = object.metadata;
  const entries = Array.isArray(managedFields) ? managedFields.filter(isObject) : [];
  const sortKey = (entry: JsonObject) =>
    `${String(entry.manager)} ${String(entry.operation)} ${String(entry.subresource)}`;
  const comparableEntries = entries
    .map(({ time, ...entry }): JsonObject => ({ ...entry, hasTime: time !== undefined }))
    .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  return { ...object, metadata: { ...metadata, managedFields: comparableEntries } };
}
