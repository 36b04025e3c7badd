import type { Definitions, Schema } from "./types.ts";

/** Definitions of Kubernetes that say `type: object` and mean any JSON. */
const anything = /\.(RawExtension|FieldsV1|JSON)$/;

/**
 * Replaces every `$ref` (alone, with siblings, or wrapped as the only member of `allOf`, the three ways Kubernetes writes one) by the schema it
 * names. The result may be cyclic, as JSONSchemaProps is; whoever walks it must be led by data, not by the schema. Input is not changed, and
 * parts without references are shared.
 *
 * Definitions of Kubernetes' own kinds give a Go zero value as `default` to every field that is no pointer (`""`, `{}`): those are dropped, since
 * they say how Go decodes and not what is stored.
 *
 * @throws Error for a reference to a definition that is not there: a fault of whoever built the definitions
 */
export function linkSchema(schema: Schema, definitions: Definitions): Schema {
  let linker = linkers.get(definitions);
  if (linker === undefined) {
    linker = new Linker(definitions);
    linkers.set(definitions, linker);
  }
  return linker.linkRoot(schema);
}

/** Kinds that share definitions share their linked form: a Pod's schema alone is 500 objects. */
const linkers = new WeakMap<Definitions, Linker>();

class Linker {
  readonly #definitions: Definitions;
  readonly #goTypes: ReadonlySet<Schema>;
  readonly #linked = new Map<Schema, Schema>();
  /** Copies of a referenced schema with siblings on top; made last, because a cyclic target is still empty while it is being linked. */
  #merges: (() => void)[] = [];
  /** True while inside a definition that was generated from a Go type. */
  #inGoType = false;

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
    const named = Object.entries(definitions).filter(([name]) => name.startsWith("io.k8s."));
    this.#goTypes = new Set(named.map(([, schema]) => schema));
  }

  linkRoot(schema: Schema): Schema {
    const linked = this.#link(schema);
    // Twice: a merge may copy the result of another.
    for (const merge of [...this.#merges, ...this.#merges]) merge();
    this.#merges = [];
    return linked;
  }

  #link(schema: Schema): Schema {
    const known = this.#linked.get(schema);
    if (known !== undefined) return known;
    const outside = this.#inGoType;
    this.#inGoType ||= this.#goTypes.has(schema);
    const linked = this.#linkNew(schema);
    this.#inGoType = outside;
    return linked;
  }

  #linkNew(schema: Schema): Schema {
    const reference = referenceOf(schema);
    if (schema.$ref !== undefined && Object.keys(schema).length === 1) return this.#target(schema.$ref);
    const result: Schema = {};
    this.#linked.set(schema, result);
    if (reference === undefined) return Object.assign(result, this.#children(schema));
    const { $ref: _ref, allOf: _allOf, ...siblings } = schema;
    const target = this.#target(reference);
    const linked = this.#children(siblings);
    this.#merges.push(() => Object.assign(result, target, linked));
    return result;
  }

  #target(reference: string): Schema {
    const name = reference.slice(reference.lastIndexOf("/") + 1);
    const target = Object.hasOwn(this.#definitions, name) ? this.#definitions[name] : undefined;
    if (target === undefined) throw new Error(`schema reference ${reference} names no definition`);
    const linked = this.#link(target);
    return anything.test(name) ? { ...linked, "x-kubernetes-preserve-unknown-fields": true } : linked;
  }

  #children(schema: Schema): Schema {
    const result: Schema = { ...schema };
    if (this.#inGoType && isGoZero(schema.default)) delete result.default;
    if (schema.properties && this.#inGoType) {
      const { properties, required = [] } = schema;
      result["x-krate-always-there"] = Object.keys(properties).filter(
        (key) => required.includes(key) || isEmptyObject(properties[key]?.default),
      );
    }
    if (schema.properties) {
      result.properties = Object.fromEntries(
        Object.entries(schema.properties).map(([key, each]) => [key, this.#link(each)]),
      );
    }
    if (typeof schema.additionalProperties === "object") {
      result.additionalProperties = this.#link(schema.additionalProperties);
    }
    if (schema.items) result.items = this.#link(schema.items);
    if (schema.not) result.not = this.#link(schema.not);
    for (const key of ["allOf", "anyOf", "oneOf"] as const) {
      const list = schema[key];
      if (list !== undefined) result[key] = list.map((each) => this.#link(each));
    }
    return result;
  }
}

function isGoZero(value: unknown): boolean {
  return value === "" || value === 0 || value === false || isEmptyObject(value);
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function referenceOf(schema: Schema): string | undefined {
  if (schema.$ref !== undefined) return schema.$ref;
  const [only, ...others] = schema.allOf ?? [];
  return only?.$ref !== undefined && others.length === 0 && schema.properties === undefined ? only.$ref : undefined;
}
