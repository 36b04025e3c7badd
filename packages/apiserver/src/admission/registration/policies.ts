/** Admission policies and their bindings as kinds: defaults and what is refused. */
import {
  checkDns1123Subdomain,
  checkPathSegmentName,
  checkQualifiedName,
  duplicate,
  forbiddenField,
  invalidValue,
  isObject,
  type JsonObject,
  type JsonValue,
  notSupported,
  required,
} from "@krate/apimachinery";
import { type FieldError, isReason } from "@krate/kinds";
import { nameOf, sectionOf, textOf } from "../../objects.ts";
import type { Strategy } from "../../resources/resource.ts";
import { objectsIn } from "../attributes.ts";
import { Expression } from "../expression.ts";
import {
  type CompiledPolicy,
  compileMutatingPolicy,
  compileValidatingPolicy,
  type MutatingPolicy,
  type ValidatingPolicy,
} from "../policy/compile.ts";
import { checkConditions, checkExpression } from "./expressions.ts";
import { checkMatch, checkMutatingOperations, checkSelector, completeMatch, oneOf } from "./match.ts";
import { setTypeChecking } from "./type-checking.ts";

function completePolicy(object: JsonObject): void {
  const spec = sectionOf(object, "spec");
  spec["failurePolicy"] ??= "Fail";
  if (isObject(spec["matchConstraints"])) completeMatch(spec["matchConstraints"]);
}

function completeBinding(object: JsonObject): void {
  const match = sectionOf(object, "spec")["matchResources"];
  if (isObject(match)) completeMatch(match);
}

export const validatingPolicyStrategy: Strategy = {
  complete: completePolicy,
  prepareForCreate: (ctx, object) => setTypeChecking(ctx, object, undefined),
  prepareForUpdate: (ctx, object, old) => {
    if (ctx.target.subresource === "") setTypeChecking(ctx, object, old);
  },
  validate: (ctx, object) => (ctx.target.subresource === "" ? checkValidatingPolicy(object) : []),
};

export const mutatingPolicyStrategy: Strategy = {
  complete: completePolicy,
  validate: (_ctx, object) => checkMutatingPolicy(object),
};

export const validatingBindingStrategy: Strategy = {
  complete: completeBinding,
  validate: (_ctx, object) => {
    const spec = sectionOf(object, "spec");
    return [...checkBinding(spec), ...checkActions(spec["validationActions"], "spec.validationActions")];
  },
};

export const mutatingBindingStrategy: Strategy = {
  complete: completeBinding,
  validate: (_ctx, object) => {
    const spec = sectionOf(object, "spec");
    const match = isObject(spec["matchResources"]) ? spec["matchResources"] : {};
    return [...checkBinding(spec), ...checkMutatingOperations(match, "spec.matchResources")];
  },
};

/** A selector that does not parse keeps a policy from being compiled; that is told with the rest of its spec. */
function compiled<P>(compile: (object: JsonObject) => P, object: JsonObject): P | undefined {
  try {
    return compile(object);
  } catch (error) {
    if (isReason(error, "BadRequest")) return undefined;
    throw error;
  }
}

function checkSpec(spec: JsonObject): FieldError[] {
  const { matchConstraints: match } = spec;
  return [
    ...oneOf(spec["failurePolicy"], ["Fail", "Ignore"], "spec.failurePolicy"),
    ...checkParamKind(spec["paramKind"], "spec.paramKind"),
    ...(isObject(match)
      ? [
          ...checkMatch(match, "spec.matchConstraints"),
          ...(objectsIn(match["resourceRules"]).length === 0
            ? [required("spec.matchConstraints.resourceRules", "")]
            : []),
        ]
      : [required("spec.matchConstraints", "")]),
  ];
}

function checkParamKind(value: JsonValue | undefined, path: string): FieldError[] {
  if (!isObject(value)) return [];
  const missing = ["apiVersion", "kind"].filter((key) => textOf(value[key]) === "");
  const tooDeep = textOf(value["apiVersion"]).split("/").length > 2;
  return [
    ...missing.map((key) => required(`${path}.${key}`, "")),
    ...(tooDeep
      ? [
          invalidValue(
            `${path}.apiVersion`,
            value["apiVersion"],
            `unexpected GroupVersion string: ${textOf(value["apiVersion"])}`,
          ),
        ]
      : []),
  ];
}

const identifier = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
const reserved =
  /^(?:true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|namespace|return|var|void|while)$/;

function checkCommon({ conditions, variables }: CompiledPolicy): FieldError[] {
  return [
    ...checkConditions(conditions, "spec.matchConditions"),
    ...variables.flatMap(({ name, expression }, index) => {
      const path = `spec.variables[${index}]`;
      const wrong =
        name.trim() === ""
          ? [required(`${path}.name`, "name is not specified")]
          : identifier.test(name) && !reserved.test(name)
            ? []
            : [invalidValue(`${path}.name`, name, "must be a valid CEL identifier")];
      return [...wrong, ...checkExpression(expression, `${path}.expression`, "expression is not specified")];
    }),
  ];
}

const reasons = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
const nothing = "validations or auditAnnotations must contain at least one item";

function checkValidatingPolicy(object: JsonObject): FieldError[] {
  const spec = sectionOf(object, "spec");
  const errors = checkSpec(spec);
  const policy = compiled(compileValidatingPolicy, object);
  if (policy === undefined) return errors;
  const empty = policy.validations.length === 0 && policy.auditAnnotations.length === 0;
  return [
    ...errors,
    ...checkCommon(policy),
    ...(empty ? [required("spec.validations", nothing), required("spec.auditAnnotations", nothing)] : []),
    ...checkValidations(policy, objectsIn(spec["validations"])),
    ...checkAnnotations(policy, nameOf(object)),
  ];
}

function checkValidations({ validations }: ValidatingPolicy, raw: readonly JsonObject[]): FieldError[] {
  return validations.flatMap(({ expression, message, messageExpression, reason }, index) => {
    const path = `spec.validations[${index}]`;
    const given = textOf(raw[index]?.["message"]);
    return [
      ...checkExpression(expression, `${path}.expression`, "expression is not specified"),
      ...checkMessageExpression(messageExpression, `${path}.messageExpression`),
      ...(given !== "" && message === ""
        ? [invalidValue(`${path}.message`, given, "must be non-empty if specified")]
        : []),
      ...(/[\r\n]/.test(message) ? [invalidValue(`${path}.message`, message, "must not contain line breaks")] : []),
      ...oneOf(reason, reasons, `${path}.reason`),
    ];
  });
}

function checkMessageExpression(expression: Expression | undefined, path: string): FieldError[] {
  if (expression === undefined) return [];
  if (expression.source.trim() !== "") return checkExpression(expression, path);
  return [invalidValue(path, expression.source, "must be non-empty if specified")];
}

const maxAnnotations = 20;
const maxAnnotationExpressionBytes = 5 * 1024;

function checkAnnotations({ auditAnnotations }: ValidatingPolicy, policy: string): FieldError[] {
  const keys = auditAnnotations.map(({ key }) => key);
  const path = "spec.auditAnnotations";
  return [
    ...(keys.length > maxAnnotations
      ? [invalidValue(path, keys, `must not have more than ${maxAnnotations} auditAnnotations`)]
      : []),
    ...auditAnnotations.flatMap(({ key, expression }, index) => {
      const at = `${path}[${index}]`;
      const tooLong = Buffer.byteLength(expression.source.trim()) > maxAnnotationExpressionBytes;
      const text = `must not exceed ${maxAnnotationExpressionBytes} bytes in length`;
      return [
        ...checkQualifiedName(`${policy}/${key}`).map((wrong) => invalidValue(`${at}.key`, `${policy}/${key}`, wrong)),
        ...(tooLong
          ? [required(`${at}.valueExpression`, text)]
          : checkExpression(expression, `${at}.valueExpression`, "valueExpression is not specified")),
        ...(keys.indexOf(key) < index ? [duplicate(`${at}.key`, key)] : []),
      ];
    }),
  ];
}

function checkMutatingPolicy(object: JsonObject): FieldError[] {
  const spec = sectionOf(object, "spec");
  const match = isObject(spec["matchConstraints"]) ? spec["matchConstraints"] : {};
  const errors = [...checkSpec(spec), ...checkMutatingOperations(match, "spec.matchConstraints")];
  const policy = compiled(compileMutatingPolicy, object);
  if (policy === undefined) return errors;
  const { reinvocationPolicy: again } = spec;
  return [
    ...errors,
    ...checkCommon(policy),
    ...(policy.mutations.length === 0 ? [required("spec.mutations", "mutations must contain at least one item")] : []),
    ...objectsIn(spec["mutations"]).flatMap((mutation, index) =>
      checkMutation(mutation, policy, index, `spec.mutations[${index}]`),
    ),
    ...(textOf(again) === ""
      ? [required("spec.reinvocationPolicy", "")]
      : oneOf(again, ["IfNeeded", "Never"], "spec.reinvocationPolicy")),
  ];
}

const sections = { JSONPatch: "jsonPatch", ApplyConfiguration: "applyConfiguration" } as const;

function checkMutation(mutation: JsonObject, policy: MutatingPolicy, index: number, path: string): FieldError[] {
  const type = textOf(mutation["patchType"]);
  if (type === "") return [required(`${path}.patchType`, "")];
  if (type !== "JSONPatch" && type !== "ApplyConfiguration") {
    return [notSupported(`${path}.patchType`, type, ["ApplyConfiguration", "JSONPatch"])];
  }
  const wanted = sections[type];
  const other = sections[type === "JSONPatch" ? "ApplyConfiguration" : "JSONPatch"];
  const expression = policy.mutations[index]?.expression ?? new Expression("", {});
  return [
    ...(isObject(mutation[wanted])
      ? checkExpression(expression, `${path}.${wanted}.expression`)
      : [required(`${path}.${wanted}`, `must be specified when patchType is ${type}`)]),
    ...(mutation[other] === undefined
      ? []
      : [invalidValue(`${path}.${other}`, `{${other}}`, `must not be specified when patchType is ${type}`)]),
  ];
}

function checkBinding(spec: JsonObject): FieldError[] {
  const policy = textOf(spec["policyName"]);
  const { matchResources: match } = spec;
  return [
    ...(policy === ""
      ? [required("spec.policyName", "")]
      : checkDns1123Subdomain(policy).map((text) => invalidValue("spec.policyName", policy, text))),
    ...checkParamRef(spec["paramRef"], "spec.paramRef"),
    ...(isObject(match) ? checkMatch(match, "spec.matchResources") : []),
  ];
}

const exclusive = "name and selector are mutually exclusive";

function checkParamRef(value: JsonValue | undefined, path: string): FieldError[] {
  if (!isObject(value)) return [];
  const name = textOf(value["name"]);
  const { selector, parameterNotFoundAction: action } = value;
  const both = name !== "" && selector !== undefined;
  return [
    ...(name === "" ? [] : checkPathSegmentName(name).map((text) => invalidValue(`${path}.name`, name, text))),
    ...(both ? [forbiddenField(`${path}.name`, exclusive)] : []),
    ...checkSelector(selector, `${path}.selector`),
    ...(both ? [forbiddenField(`${path}.selector`, exclusive)] : []),
    ...(name === "" && selector === undefined ? [required(path, "one of name or selector must be specified")] : []),
    ...(textOf(action) === ""
      ? [required(`${path}.parameterNotFoundAction`, "")]
      : oneOf(action, ["Deny", "Allow"], `${path}.parameterNotFoundAction`)),
  ];
}

function checkActions(value: JsonValue | undefined, path: string): FieldError[] {
  const actions = Array.isArray(value) ? value.map(String) : [];
  if (actions.length === 0) return [required(path, "at least one validation action is required")];
  const text =
    "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
  return [
    ...actions.flatMap((action, index) => [
      ...oneOf(action, ["Audit", "Deny", "Warn"], `${path}[${index}]`),
      ...(actions.indexOf(action) < index ? [duplicate(`${path}[${index}]`, action)] : []),
    ]),
    ...(actions.includes("Deny") && actions.includes("Warn") ? [invalidValue(path, actions, text)] : []),
  ];
}
