/** One policy, binding and parameter on their way through one request: variables and match conditions. */
import type { Bindings } from "@krate/apimachinery";
import { CelError, type CelProgram, type CelValue, type JsonObject, LazyMap } from "@krate/apimachinery";
import type { RequestContext } from "../../context.ts";
import { type ConditionOutcome, evaluateConditions } from "../conditions.ts";
import { ExpressionContext } from "../expression.ts";
import type { AdmissionMetrics } from "../metrics.ts";
import { inVersion, representationOf } from "../versions.ts";
import type { CompiledPolicy, Variable } from "./compile.ts";
import type { Invocation, Situation } from "./invocations.ts";

/** What all expressions of one invocation may cost together: RuntimeCELCostBudget. */
export const policyCostLimit = 10_000_000;

export interface Evaluation {
  expressions: ExpressionContext;
  /** With `params` and `variables`. */
  bindings: Bindings;
}

/** Undefined when a match condition does not hold. */
export async function startEvaluation(
  ctx: RequestContext,
  { policy, param, as }: Invocation<CompiledPolicy>,
  { attributes, namespace }: Situation,
  { metrics, type }: { metrics: AdmissionMetrics; type: "validating" | "admit" },
): Promise<Evaluation | { problem: string } | undefined> {
  const objects = {
    object: inVersion(attributes.object, ctx.served, as),
    oldObject: inVersion(attributes.oldObject, ctx.served, as),
  };
  const subject = { attributes, as: representationOf(ctx, as), objects, namespaceObject: shown(namespace) };
  const expressions = new ExpressionContext(ctx, subject);
  const withParams: Bindings =
    policy.paramKind === undefined ? expressions.bindings : { ...expressions.bindings, params: param ?? null };
  const labels = { name: policy.name, kind: "policy", type, operation: attributes.operation } as const;
  const outcome: ConditionOutcome = await evaluateConditions(
    policy.conditions,
    { expressions, bindings: withParams },
    { metrics, labels },
  );
  if ("problem" in outcome) return outcome;
  if (!outcome.matches) {
    metrics.excludedByCondition(labels);
    return undefined;
  }
  const bindings: Bindings = { ...withParams, variables: variablesOf(policy.variables, expressions, withParams) };
  return { expressions, bindings };
}

/** `variables.<name>`, each computed when first used; a later one may use the earlier ones. */
function variablesOf(variables: readonly Variable[], expressions: ExpressionContext, bindings: Bindings): LazyMap {
  const known: LazyMap = new LazyMap(
    variables.map(({ name, expression }) => [
      name,
      (): CelValue => {
        if (expression.program === undefined) {
          throw new CelError(`composited variable "${name}" fails to compile: ${expression.problem}`);
        }
        return evaluateVariable(name, expression.program, expressions, { ...bindings, variables: known });
      },
    ]),
  );
  return known;
}

function evaluateVariable(
  name: string,
  program: CelProgram,
  expressions: ExpressionContext,
  bindings: Bindings,
): CelValue {
  try {
    return expressions.within(program, bindings);
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    throw new CelError(`composited variable "${name}" fails to evaluate: ${error.message}`);
  }
}

/** What an expression may see of a Namespace. Source: k8s.io/apiserver/pkg/admission/plugin/cel/condition.go (CreateNamespaceObject). */
const shownMetadata = [
  "name",
  "generateName",
  "namespace",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "labels",
  "annotations",
  "finalizers",
];

function shown(namespace: JsonObject | undefined): JsonObject | undefined {
  if (namespace === undefined) return undefined;
  const metadata = (namespace["metadata"] ?? {}) as JsonObject;
  const kept = shownMetadata.flatMap((key) => (metadata[key] === undefined ? [] : [[key, metadata[key]] as const]));
  const { spec = {}, status = {} } = namespace;
  return { metadata: Object.fromEntries(kept), spec, status };
}
