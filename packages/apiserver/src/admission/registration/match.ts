/** Rules and selectors of webhook configurations and policies. Source: pkg/apis/admissionregistration/validation and v1/defaults.go. */
import {
  checkPathSegmentName,
  duplicate,
  invalidValue,
  isObject,
  type JsonObject,
  type JsonValue,
  labelSelectorOf,
  notSupported,
  required,
} from "@krate/apimachinery";
import { ApiError, type FieldError } from "@krate/kinds";
import { textOf } from "../../objects.ts";
import { objectsIn } from "../attributes.ts";

const operations = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const mutatingOperations = ["*", "CONNECT", "CREATE", "UPDATE"];
const scopes = ["*", "Cluster", "Namespaced"];

/** `Fail` and so on; nothing when it is one of them or absent. */
export function oneOf(value: JsonValue | undefined, allowed: readonly string[], path: string): FieldError[] {
  if (value === undefined || (typeof value === "string" && allowed.includes(value))) return [];
  return [notSupported(path, textOf(value), [...allowed])];
}

export function completeRules(rules: JsonValue | undefined): void {
  for (const rule of objectsIn(rules)) rule["scope"] ??= "*";
}

export function completeMatch(match: JsonObject): void {
  match["matchPolicy"] ??= "Equivalent";
  match["namespaceSelector"] ??= {};
  match["objectSelector"] ??= {};
  completeRules(match["resourceRules"]);
  completeRules(match["excludeResourceRules"]);
}

function textsIn(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** Errors of one list of a rule: at least one entry, and `*` stands alone. */
function checkList(rule: JsonObject, key: string, path: string, what: string): FieldError[] {
  const values = textsIn(rule[key]);
  const field = `${path}.${key}`;
  if (values.length === 0) return [required(field, "")];
  if (values.length === 1 || !values.includes("*")) return [];
  return [invalidValue(field, values, `if '*' is present, must not specify other ${what}`)];
}

export function checkRules(rules: JsonValue | undefined, path: string): FieldError[] {
  return objectsIn(rules).flatMap((rule, index) => checkRule(rule, `${path}[${index}]`));
}

function checkRule(rule: JsonObject, path: string): FieldError[] {
  const names = textsIn(rule["resourceNames"]);
  const empty = (key: string) =>
    textsIn(rule[key]).flatMap((value, index) => (value === "" ? [required(`${path}.${key}[${index}]`, "")] : []));
  return [
    ...names.flatMap((name, index) => {
      const field = `${path}.resourceNames[${index}]`;
      const wrong = checkPathSegmentName(name).map((text) => invalidValue(field, name, text));
      return names.indexOf(name) < index ? [...wrong, duplicate(field, name)] : wrong;
    }),
    ...checkList(rule, "operations", path, "operations"),
    ...textsIn(rule["operations"]).flatMap((each, index) => oneOf(each, operations, `${path}.operations[${index}]`)),
    ...checkList(rule, "apiGroups", path, "API groups"),
    ...checkList(rule, "apiVersions", path, "API versions"),
    ...empty("apiVersions"),
    ...checkResources(textsIn(rule["resources"]), `${path}.resources`),
    ...oneOf(rule["scope"], scopes, `${path}.scope`),
  ];
}

function checkResources(resources: readonly string[], path: string): FieldError[] {
  if (resources.length === 0) return [required(path, "")];
  const wholes = new Set<string>();
  const everywhere = new Set<string>();
  const errors = resources.flatMap((each, index): FieldError[] => {
    const field = `${path}[${index}]`;
    if (each === "") return [required(field, "")];
    const [resource = "", sub] = each.split("/", 2);
    if (sub === undefined) return [];
    const found: FieldError[] = [];
    if (wholes.has(resource)) {
      found.push(invalidValue(field, each, `if '${resource}/*' is present, must not specify ${each}`));
    }
    if (everywhere.has(sub))
      found.push(invalidValue(field, each, `if '*/${sub}' is present, must not specify ${each}`));
    if (sub === "*") wholes.add(resource);
    if (resource === "*") everywhere.add(sub);
    return found;
  });
  if (resources.length > 1 && resources.includes("*/*")) {
    errors.push(invalidValue(path, resources, "if '*/*' is present, must not specify other resources"));
  }
  if (resources.includes("*") && resources.some((each) => each !== "*" && !each.includes("/"))) {
    const text = "if '*' is present, must not specify other resources without subresources";
    errors.push(invalidValue(path, resources, text));
  }
  return errors;
}

export function checkSelectors(section: JsonObject, path: string): FieldError[] {
  return ["namespaceSelector", "objectSelector"].flatMap((key) => checkSelector(section[key], `${path}.${key}`));
}

export function checkSelector(selector: JsonValue | undefined, path: string): FieldError[] {
  if (!isObject(selector)) return [];
  try {
    labelSelectorOf(selector);
    return [];
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return [invalidValue(path, selector, error.message)];
  }
}

/** `matchConstraints` or `matchResources`. */
export function checkMatch(match: JsonObject, path: string): FieldError[] {
  return [
    ...oneOf(match["matchPolicy"], ["Equivalent", "Exact"], `${path}.matchPolicy`),
    ...checkSelectors(match, path),
    ...checkRules(match["resourceRules"], `${path}.resourceRules`),
    ...checkRules(match["excludeResourceRules"], `${path}.excludeResourceRules`),
  ];
}

/** There is nothing to mutate in a DELETE. */
export function checkMutatingOperations(match: JsonObject, path: string): FieldError[] {
  return objectsIn(match["resourceRules"]).flatMap((rule) =>
    textsIn(rule["operations"]).flatMap((each) => oneOf(each, mutatingOperations, `${path}.resourceRules.operations`)),
  );
}
