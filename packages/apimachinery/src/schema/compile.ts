import type { FieldError } from "@krate/kinds";
import type { JsonObject } from "../json.ts";
import { applyDefaults } from "./defaults.ts";
import { linkSchema } from "./link.ts";
import { validateListTypes } from "./list-types.ts";
import { withObjectMeta } from "./object-meta.ts";
import { type PruneOptions, prune } from "./prune.ts";
import type { Definitions, Schema } from "./types.ts";
import { compileValidator } from "./validate.ts";

/** Everything a schema does to objects of its kind. The schema is that of the whole object: apiVersion, kind, metadata, spec, status. */
export interface CompiledSchema {
  /** The schema with references resolved and ObjectMeta as `metadata`; what patch, apply and table take. */
  readonly schema: Schema;
  /** Removes unknown fields in place. @returns their paths */
  prune(object: JsonObject, options?: PruneOptions): string[];
  /** Sets missing fields that have a default, in place. */
  applyDefaults(object: JsonObject): void;
  /** Errors of the object, at most 100, its CEL rules left to `validateRules`; with `old`, only those about fields that changed. */
  validate(object: JsonObject, old?: JsonObject): FieldError[];
  /** The same, with pauses while patterns are matched; for servers. The objects must not change meanwhile. */
  validateInTurns(object: JsonObject, old?: JsonObject): Promise<FieldError[]>;
}

/**
 * Compiles a schema once per kind. References are looked up in `definitions`.
 *
 * Order for a request: `prune` (report by `applyFieldValidation`), `applyDefaults`, admission, then `validate`.
 */
export function compileSchema(schema: Schema, definitions: Definitions = {}): CompiledSchema {
  const linked = withObjectMeta(linkSchema(schema, definitions));
  const validator = compileValidator(linked);
  return {
    schema: linked,
    prune: (object, options) => prune(object, linked, options),
    applyDefaults: (object) => applyDefaults(object, linked),
    validate: (object, old) => {
      const errors = validator.validate(object, old);
      return errors.length > 0 ? errors : validateListTypes(object, linked);
    },
    validateInTurns: async (object, old) => {
      const errors = await validator.validateInTurns(object, old);
      return errors.length > 0 ? errors : validateListTypes(object, linked);
    },
  };
}
