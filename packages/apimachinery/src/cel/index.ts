export type { AdmissionVariables } from "./admission.ts";
export { admissionVariables, namespaceType, requestType } from "./admission.ts";
export { Budget, defaultCostLimit } from "./budget.ts";
export type { Bindings, CelProgram, Compiled, CompileOptions, RunOptions, RunResult } from "./evaluate.ts";
export { compile, LazyBinding, run, runWithAuthorizer, toValue } from "./evaluate.ts";
export type { AccessCheck, AccessDecision } from "./functions/authorizer.ts";
export { authorizerValue } from "./functions/authorizer.ts";
export type { CelIssue } from "./issues.ts";
export { CelBudgetError, CelError, formatIssues } from "./issues.ts";
export { fromJson } from "./json-values.ts";
export { LazyMap } from "./lazy-map.ts";
export { checkRules, checkRulesInTurns, type RuleCheckOptions } from "./rule-check.ts";
export { validateRules } from "./rules.ts";
export { toJson } from "./to-json.ts";
export type { CelType } from "./types.ts";
export {
  declaredType,
  formatType,
  listOf,
  mapOf,
  objectOf,
  opaque,
  optionalOf,
  schemaType,
  types as celTypes,
} from "./types.ts";
export type { Value as CelValue } from "./values.ts";
export { ListValue, MapValue, typeNameOf } from "./values.ts";
