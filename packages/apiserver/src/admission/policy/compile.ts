/** Admission policies and their bindings, compiled once per stored object. */
import {
  admissionVariables,
  type CelType,
  celTypes,
  isObject,
  type JsonObject,
  listOf,
  objectOf,
} from "@krate/apimachinery";
import { nameOf, sectionOf, textOf } from "../../objects.ts";
import { objectsIn } from "../attributes.ts";
import { type Condition, compileCondition } from "../conditions.ts";
import { Expression } from "../expression.ts";
import { compileMatcher, type Matcher } from "../match.ts";

export interface Variable {
  name: string;
  expression: Expression;
}

/** What validating and mutating policies have alike. */
export interface CompiledPolicy {
  name: string;
  matcher: Matcher;
  conditions: readonly Condition[];
  variables: readonly Variable[];
  paramKind: { apiVersion: string; kind: string } | undefined;
  /** An expression that fails refuses the request (`failurePolicy: Fail`). */
  failsClosed: boolean;
}

export interface Validation {
  expression: Expression;
  message: string;
  messageExpression: Expression | undefined;
  reason: string;
}

export interface ValidatingPolicy extends CompiledPolicy {
  validations: readonly Validation[];
  auditAnnotations: readonly { key: string; expression: Expression }[];
}

export interface Mutation {
  type: "ApplyConfiguration" | "JSONPatch";
  expression: Expression;
}

export interface MutatingPolicy extends CompiledPolicy {
  mutations: readonly Mutation[];
  /** reinvocationPolicy IfNeeded. */
  reinvocable: boolean;
}

export interface CompiledBinding {
  name: string;
  policyName: string;
  matcher: Matcher;
  paramRef: JsonObject | undefined;
  /** Deny, Warn, Audit. */
  actions: readonly string[];
}

const { bool, string, dyn } = celTypes;
const objectType = objectOf("Object", {});
const patchType = listOf(objectOf("JSONPatch", {}));

interface Common {
  policy: CompiledPolicy;
  /** To compile the rest of the policy with. */
  variables: Record<string, CelType>;
}

function compileCommon(object: JsonObject): Common {
  const spec = sectionOf(object, "spec");
  const paramKind = isObject(spec["paramKind"])
    ? { apiVersion: textOf(spec["paramKind"]["apiVersion"]), kind: textOf(spec["paramKind"]["kind"]) }
    : undefined;
  const params = paramKind !== undefined;
  const types: Record<string, CelType> = {};
  const variables = objectsIn(spec["variables"]).map((variable) => {
    const name = textOf(variable["name"]);
    const expression = new Expression(variable["expression"], admissionVariables({ params, variables: { ...types } }));
    types[name] = expression.program?.type ?? dyn;
    return { name, expression };
  });
  const withVariables = admissionVariables({ params, variables: types });
  return {
    variables: withVariables,
    policy: {
      name: nameOf(object),
      matcher: compileMatcher(spec["matchConstraints"]),
      conditions: objectsIn(spec["matchConditions"]).map((each) =>
        compileCondition(each, admissionVariables({ params })),
      ),
      variables,
      paramKind,
      failsClosed: spec["failurePolicy"] !== "Ignore",
    },
  };
}

export function compileValidatingPolicy(object: JsonObject): ValidatingPolicy {
  const { policy, variables } = compileCommon(object);
  const spec = sectionOf(object, "spec");
  // A message is told to the client, who could otherwise ask what others may do.
  const { authorizer: _authorizer, "authorizer.requestResource": _requestResource, ...forMessages } = variables;
  return {
    ...policy,
    validations: objectsIn(spec["validations"]).map((validation) => ({
      expression: new Expression(validation["expression"], variables, { returns: [bool] }),
      message: textOf(validation["message"]).trim(),
      messageExpression:
        textOf(validation["messageExpression"]) === ""
          ? undefined
          : new Expression(validation["messageExpression"], forMessages, { returns: [string] }),
      reason: textOf(validation["reason"]) || "Invalid",
    })),
    auditAnnotations: objectsIn(spec["auditAnnotations"]).map((annotation) => ({
      key: textOf(annotation["key"]),
      expression: new Expression(annotation["valueExpression"], variables, { returns: [string, celTypes.null] }),
    })),
  };
}

export function compileMutatingPolicy(object: JsonObject): MutatingPolicy {
  const { policy, variables } = compileCommon(object);
  const spec = sectionOf(object, "spec");
  return {
    ...policy,
    mutations: objectsIn(spec["mutations"]).map((mutation) => {
      const type = mutation["patchType"] === "JSONPatch" ? "JSONPatch" : "ApplyConfiguration";
      const section = mutation[type === "JSONPatch" ? "jsonPatch" : "applyConfiguration"];
      const source = isObject(section) ? section["expression"] : undefined;
      const returns = [type === "JSONPatch" ? patchType : objectType];
      return { type, expression: new Expression(source, variables, { returns, mutating: true }) };
    }),
    reinvocable: spec["reinvocationPolicy"] === "IfNeeded",
  };
}

function compileBinding(object: JsonObject): CompiledBinding {
  const spec = sectionOf(object, "spec");
  const { validationActions: actions, paramRef } = spec;
  return {
    name: nameOf(object),
    policyName: textOf(spec["policyName"]),
    matcher: compileMatcher(spec["matchResources"]),
    paramRef: isObject(paramRef) ? paramRef : undefined,
    actions: Array.isArray(actions) ? actions.map(String) : [],
  };
}

/** Compiles when first needed; a cache of the server hands out the same object until it changes. */
function once<T>(compile: (object: JsonObject) => T): (object: JsonObject) => T {
  const known = new WeakMap<JsonObject, { compiled: T }>();
  return (object) => {
    const before = known.get(object);
    if (before !== undefined) return before.compiled;
    const compiled = compile(object);
    known.set(object, { compiled });
    return compiled;
  };
}

export const compiledValidatingPolicy = once(compileValidatingPolicy);
export const compiledMutatingPolicy = once(compileMutatingPolicy);
export const compiledBinding = once(compileBinding);
