import type { Definitions, Schema } from "./types.ts";

/** Definitions of Kubernetes that say `type: object` and mean any JSON. */
const anything = /\.(RawExtension|FieldsV1|JSON)$/;

/**
 * Replaces every `$ref` (alone, with siblings, or wrapped as the only member of `allOf`, the three ways Kubernetes writes one) by the schema it
 * names. The result may be cyclic, as JSONSchemaProps is; whoever walks it must be led by data, not by the schema. Input is not changed, and
 * parts without references are shared.
 *
 * @throws Error for a reference to a definition that is not there: a fault of whoever built the definitions
 */
export function linkSchema(schema: Schema, definitions: Definitions): Schema {
  const linker = new Linker(definitions);
  const linked = linker.link(schema);
  linker.finish();
  return linked;
}

class Linker {
  readonly #definitions: Definitions;
  readonly #linked = new Map<Schema, Schema>();
  /** Copies of a referenced schema with siblings on top; made last, because a cyclic target is still empty while it is being linked. */
  readonly #merges: (() => void)[] = [];

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
  }

  link(schema: Schema): Schema {
    const known = this.#linked.get(schema);
    if (known !== undefined) return known;
    const reference = referenceOf(schema);
    if (reference !== undefined && Object.keys(schema).length === 1 && schema.$ref !== undefined)
      return this.#target(reference);
    const result: Schema = {};
    this.#linked.set(schema, result);
    if (reference !== undefined) {
      const { $ref: _ref, allOf: _allOf, ...siblings } = schema;
      const target = this.#target(reference);
      const linked = this.#children(siblings);
      this.#merges.push(() => Object.assign(result, target, linked));
    } else Object.assign(result, this.#children(schema));
    return result;
  }

  /** Twice: a merge may copy the result of another. */
  finish(): void {
    for (const merge of this.#merges) merge();
    for (const merge of this.#merges) merge();
  }

  #target(reference: string): Schema {
    const name = reference.slice(reference.lastIndexOf("/") + 1);
    const target = Object.hasOwn(this.#definitions, name) ? this.#definitions[name] : undefined;
    if (target === undefined) throw new Error(`schema reference ${reference} names no definition`);
    const linked = this.link(target);
    return anything.test(name) ? { ...linked, "x-kubernetes-preserve-unknown-fields": true } : linked;
  }

  #children(schema: Schema): Schema {
    const result: Schema = { ...schema };
    if (schema.properties) {
      result.properties = Object.fromEntries(
        Object.entries(schema.properties).map(([key, each]) => [key, this.link(each)]),
      );
    }
    if (typeof schema.additionalProperties === "object")
      result.additionalProperties = this.link(schema.additionalProperties);
    if (schema.items) result.items = this.link(schema.items);
    if (schema.not) result.not = this.link(schema.not);
    for (const key of ["allOf", "anyOf", "oneOf"] as const) {
      const list = schema[key];
      if (list !== undefined) result[key] = list.map((each) => this.link(each));
    }
    return result;
  }
}

function referenceOf(schema: Schema): string | undefined {
  if (schema.$ref !== undefined) return schema.$ref;
  const [only, ...others] = schema.allOf ?? [];
  return only?.$ref !== undefined && others.length === 0 && schema.properties === undefined ? only.$ref : undefined;
}
