export type { CompiledSchema } from "./compile.ts";
export { compileSchema } from "./compile.ts";
export { applyDefaults } from "./defaults.ts";
export {
  child,
  duplicate,
  forbiddenField,
  invalidValue,
  notSupported,
  quoteValue,
  required,
  tooLong,
  tooMany,
  typeInvalid,
} from "./field-errors.ts";
export { linkSchema } from "./link.ts";
export { validateListTypes } from "./list-types.ts";
export type { NameRule, ObjectMetaRules } from "./metadata.ts";
export {
  generateName,
  immutableField,
  validateLabels,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from "./metadata.ts";
export {
  checkDns1123Label,
  checkDns1123Subdomain,
  checkLabelValue,
  checkPathSegmentName,
  checkQualifiedName,
} from "./names.ts";
export { objectMetaSchema, withObjectMeta } from "./object-meta.ts";
export { prune } from "./prune.ts";
export { linearRegExp } from "./regexp.ts";
export { checkStructural } from "./structural.ts";
export type { Definitions, Schema, ValidationRuleSchema } from "./types.ts";
export type { Validator } from "./validate.ts";
export { compileValidator } from "./validate.ts";
