/**
 * `status.typeChecking` of a ValidatingAdmissionPolicy: what its expressions get wrong about the kinds it names. Only a hint: the policy is in force.
 * In a real cluster kube-controller-manager writes it.
 * Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go.
 */
import {
  admissionVariables,
  type CelType,
  celTypes,
  equalJson,
  type JsonObject,
  schemaType,
} from "@krate/apimachinery";
import type { RequestContext } from "../../context.ts";
import { metadataOf, sectionOf, textOf } from "../../objects.ts";
import type { ServedResource } from "../../resources/resource.ts";
import { objectsIn } from "../attributes.ts";
import { Expression } from "../expression.ts";

const maxTypes = 10;
/** Of all expressions for all types. What is beyond is not checked: nobody writes so much, and it takes the server's time. */
const maxCharacters = 100_000;

/** Sets the status of a policy that is new or changed. */
export function setTypeChecking(ctx: RequestContext, policy: JsonObject, old: JsonObject | undefined): void {
  if (old !== undefined && equalJson(policy["spec"], old["spec"])) return;
  const generation = old === undefined ? 1 : Number(metadataOf(old)["generation"] ?? 1) + 1;
  const warnings = warningsAbout(ctx, policy);
  policy["status"] = {
    ...sectionOf(policy, "status"),
    observedGeneration: generation,
    typeChecking: warnings.length === 0 ? {} : { expressionWarnings: warnings },
  };
}

function warningsAbout(ctx: RequestContext, policy: JsonObject): JsonObject[] {
  const spec = sectionOf(policy, "spec");
  const expressions = objectsIn(spec["validations"]).flatMap((validation, index) =>
    ["expression", "messageExpression"].flatMap((field) => {
      const source = textOf(validation[field]);
      return source === "" ? [] : [{ fieldRef: `spec.validations[${index}].${field}`, source }];
    }),
  );
  const types = typesOf(ctx, spec);
  let left = types.length === 0 ? 0 : maxCharacters / types.length;
  const checked = expressions.filter(({ source }) => {
    left -= source.length;
    return left >= 0;
  });
  const environments = types.map((resource) => ({ resource, variables: variablesFor(ctx, spec, resource) }));
  return checked.flatMap(({ fieldRef, source }) => {
    const problems = environments.flatMap(({ resource, variables }) => {
      const { problem } = new Expression(source, variables);
      const { apiVersion, kind } = resource;
      return problem === undefined ? [] : [`${apiVersion}, Kind=${kind}: ${problem}\n`];
    });
    return problems.length === 0 ? [] : [{ fieldRef, warning: problems.join("\n") }];
  });
}

/** Kinds that rules name without stars, in order of group, version and kind. */
function typesOf({ services }: RequestContext, spec: JsonObject): ServedResource[] {
  const match = spec["matchConstraints"];
  const rules =
    typeof match === "object" && match !== null && !Array.isArray(match) ? objectsIn(match["resourceRules"]) : [];
  const found = new Set<ServedResource>();
  for (const rule of rules) {
    const plurals = textsIn(rule, "resources").filter((each) => !/[*/]/.test(each));
    for (const group of named(rule, "apiGroups"))
      for (const version of named(rule, "apiVersions"))
        for (const plural of plurals) {
          const resource = services.registry.find(group, version, plural);
          if (resource?.schema !== undefined && found.size < maxTypes) found.add(resource);
        }
  }
  const key = ({ group, version, kind }: ServedResource) => `${group}/${version}/${kind}`;
  return [...found].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function textsIn(rule: JsonObject, key: string): string[] {
  const values = rule[key];
  return Array.isArray(values) ? values.map(String) : [];
}

/** None when there is a star among them. */
function named(rule: JsonObject, key: string): string[] {
  const values = textsIn(rule, key);
  return values.some((each) => each.includes("*")) ? [] : values;
}

function variablesFor(
  { services }: RequestContext,
  spec: JsonObject,
  resource: ServedResource,
): Record<string, CelType> {
  const { paramKind } = spec;
  const params =
    typeof paramKind === "object" && paramKind !== null && !Array.isArray(paramKind) ? paramKind : undefined;
  const object = typeOf(resource);
  const typed: Record<string, CelType> = { object, oldObject: object };
  if (params !== undefined) {
    const [group, version] = splitVersion(textOf(params["apiVersion"]));
    typed["params"] = typeOf(services.registry.findByKind(group, textOf(params["kind"]), version));
  }
  const types: Record<string, CelType> = {};
  const environment = () => ({ ...admissionVariables({ params: params !== undefined, variables: types }), ...typed });
  for (const variable of objectsIn(spec["variables"])) {
    const expression = new Expression(variable["expression"], environment());
    types[textOf(variable["name"])] = expression.program?.type ?? celTypes.dyn;
  }
  return environment();
}

function typeOf(resource: ServedResource | undefined): CelType {
  const schema = resource?.schema?.schema;
  return schema === undefined ? celTypes.dyn : schemaType(schema);
}

function splitVersion(apiVersion: string): [group: string, version: string] {
  const at = apiVersion.indexOf("/");
  return at < 0 ? ["", apiVersion] : [apiVersion.slice(0, at), apiVersion.slice(at + 1)];
}
