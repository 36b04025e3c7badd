export type { FieldValidation, FieldValidationSubject, SuspectFields } from "./field-validation.ts";
export {
  applyFieldValidation,
  describeSuspectFields,
  parseFieldValidation,
  strictDecodingError,
} from "./field-validation.ts";
export type { Decoded, DecodeLimits } from "./json.ts";
export { decodeJson } from "./json.ts";
export type { DecodedObject } from "./object.ts";
export { decodeObject, jsonMediaTypes, yamlMediaTypes } from "./object.ts";
export { decodeYaml } from "./yaml.ts";
