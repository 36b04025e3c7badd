/** CEL expressions of webhooks and policies: compiled once, evaluated within budgets, never long at a time. */
import { setImmediate } from "node:timers/promises";
import {
  type AccessCheck,
  type AccessDecision,
  authorizerValue,
  type Bindings,
  Budget,
  CelBudgetError,
  CelError,
  type CelProgram,
  type CelType,
  type CelValue,
  compile,
  declaredType,
  defaultCostLimit,
  type JsonObject,
  type JsonValue,
  run,
  runWithAuthorizer,
} from "@krate/apimachinery";
import type { RequestContext } from "../context.ts";
import { textOf } from "../objects.ts";
import { type Attributes, type Representation, requestFields } from "./attributes.ts";

export interface ExpressionOptions {
  /** Types the expression may have, exactly; any when empty. One whose type is only known when it runs is refused, as by kube-apiserver. */
  returns?: readonly CelType[];
  /** It makes a patch or a configuration. @defaultValue false */
  mutating?: boolean;
}

/** One expression, compiled when first asked for: a policy of many is compiled in between other work. */
export class Expression {
  readonly source: string;
  readonly #variables: Record<string, CelType>;
  readonly #options: ExpressionOptions;
  #compiled: Compiled | undefined;

  constructor(source: JsonValue | undefined, variables: Record<string, CelType>, options: ExpressionOptions = {}) {
    this.source = textOf(source);
    this.#variables = variables;
    this.#options = options;
  }

  /** Undefined when it does not compile. */
  get program(): CelProgram | undefined {
    return this.#compile().program;
  }

  /** Why it is refused, in kube-apiserver's words. */
  get problem(): string | undefined {
    return this.#compile().problem;
  }

  #compile(): Compiled {
    this.#compiled ??= compiled(this.source, this.#variables, this.#options);
    return this.#compiled;
  }
}

interface Compiled {
  program?: CelProgram;
  problem?: string;
}

function compiled(
  source: string,
  variables: Record<string, CelType>,
  { returns = [], mutating = false }: ExpressionOptions,
): Compiled {
  const result = compile(source, { variables, mutating });
  if (result.program === undefined) return { problem: `compilation failed: ${result.message}` };
  const { program } = result;
  const wanted = returns.map(declaredType);
  const given = declaredType(program.type);
  if (wanted.length === 0 || wanted.includes(given)) return { program };
  const list = wanted.length === 1 ? wanted[0] : `one of [${wanted.join(" ")}]`;
  const problem = `must evaluate to ${list} but got ${given}`;
  // Refused with its policy, and run all the same when it is in force in a cluster whose checker knew better.
  return given.includes("dyn") ? { program, problem } : { problem };
}

export interface ExpressionResult {
  value?: CelValue;
  /** Why there is none, in kube-apiserver's words. */
  problem?: string;
}

/** What several expressions may cost together. Source: k8s.io/apiserver/pkg/apis/cel/config.go. */
export class CostBudget {
  left: number;

  /** @param limit RuntimeCELCostBudget or RuntimeCELCostBudgetMatchConditions */
  constructor(limit: number) {
    this.left = limit;
  }
}

/** The cost budget is used up: nothing more is evaluated. */
export class OutOfBudget extends Error {
  constructor() {
    super("validation failed due to running out of cost budget, no further validation rules will be run");
    this.name = "OutOfBudget";
  }
}

/** One expression may hold the event loop so long. */
const maxMilliseconds = 50;
/** After so long others get their turn before the next expression. */
const sliceMilliseconds = 10;

export interface ExpressionSubject {
  attributes: Attributes;
  /** In which version `request` names the object. */
  as: Representation;
  /** The objects in that version. */
  objects: { object: JsonObject | undefined; oldObject: JsonObject | undefined };
  namespaceObject?: JsonObject | undefined;
}

/** The variables of one request, and what its expressions have asked the authorizer so far. */
export class ExpressionContext {
  /** Everything but `params` and `variables`. */
  readonly bindings: Bindings;
  readonly #ctx: RequestContext;
  readonly #answers = new Map<string, AccessDecision>();
  #sliceStart = performance.now();
  /** Of the expression that runs now. */
  #running: Budget | undefined;

  constructor(ctx: RequestContext, { attributes, as, objects, namespaceObject }: ExpressionSubject) {
    this.#ctx = ctx;
    const { group, version, resource, subresource, namespace, name } = attributes;
    const requested = { group, version, resource, subresource, namespace, name };
    this.bindings = {
      object: objects.object ?? null,
      oldObject: objects.oldObject ?? null,
      request: requestFields(ctx, attributes, as),
      namespaceObject: namespaceObject ?? null,
      authorizer: authorizerValue((check) => this.#answers.get(JSON.stringify(check)), requested),
    };
  }

  /** @throws OutOfBudget when all expressions that share `budget` have cost more than they may */
  async evaluate(expression: Expression, bindings: Bindings, budget: CostBudget): Promise<ExpressionResult> {
    await this.#breathe();
    const { program } = expression;
    if (program === undefined) return { problem: `compilation error: ${expression.problem}` };
    await this.#breathe();
    const attempt = () => runWithAuthorizer(() => this.#run(program, bindings, budget), this.#answer);
    try {
      return { value: await attempt().catch((error) => this.#again(error, attempt)) };
    } catch (error) {
      if (!(error instanceof CelError) && !(error instanceof CelBudgetError)) throw error;
      return { problem: `expression '${expression.source}' resulted in error: ${error.message}` };
    }
  }

  /** Another expression (a variable) on behalf of the one that runs now. @throws CelError */
  within(program: CelProgram, bindings: Bindings): CelValue {
    return run(program, bindings, this.#running === undefined ? {} : { budget: this.#running }).value;
  }

  /** One run of one expression, within its own limits and those of all. */
  #run(program: CelProgram, bindings: Bindings, shared: CostBudget): CelValue {
    const own = new Budget(Math.min(defaultCostLimit, shared.left), maxMilliseconds);
    const startedAt = performance.now();
    this.#running = own;
    try {
      return run(program, bindings, { budget: own }).value;
    } catch (error) {
      if (!(error instanceof CelBudgetError)) throw error;
      const overspent = own.spent > own.limit;
      if (overspent && own.limit < defaultCostLimit) throw new OutOfBudget();
      const late = !overspent && performance.now() - startedAt > maxMilliseconds;
      throw late ? new TookTooLong(error.message) : error;
    } finally {
      this.#running = undefined;
      shared.left -= Math.min(own.spent, own.limit);
    }
  }

  /** A run that took too long gets a second chance: it may have been this process that had to wait. */
  async #again(error: unknown, attempt: () => Promise<CelValue>): Promise<CelValue> {
    if (!(error instanceof TookTooLong)) throw error;
    this.#sliceStart = 0;
    await this.#breathe();
    return attempt();
  }

  async #breathe(): Promise<void> {
    if (performance.now() - this.#sliceStart < sliceMilliseconds) return;
    await setImmediate();
    this.#sliceStart = performance.now();
  }

  readonly #answer = async (check: AccessCheck): Promise<AccessDecision> => {
    const decision = await answerCheck(this.#ctx, check);
    this.#answers.set(JSON.stringify(check), decision);
    return decision;
  };
}

class TookTooLong extends CelBudgetError {}

async function answerCheck(ctx: RequestContext, { serviceAccount, ...check }: AccessCheck): Promise<AccessDecision> {
  const user =
    serviceAccount === undefined
      ? ctx.user
      : {
          name: `system:serviceaccount:${serviceAccount.namespace}:${serviceAccount.name}`,
          groups: [
            "system:serviceaccounts",
            `system:serviceaccounts:${serviceAccount.namespace}`,
            "system:authenticated",
          ],
        };
  const { allowed, reason } = await ctx.services.authorizer.authorize({ ...check, user });
  return { allowed, ...(reason !== undefined && { reason }) };
}
