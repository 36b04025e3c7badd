/** `${{ }}` and `if:`, evaluated by GitHub's own library over our contexts. */
import { data, Evaluator, Lexer, Parser } from "@actions/expressions";

export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

/** How the jobs or steps before went; decides `success()`, `failure()`, `cancelled()`. */
export type Outcome = "success" | "failure" | "cancelled";

export interface ExpressionContext {
  /** `github`, `krate`, `env`, `needs`, `steps`, `matrix`, `job`, `runner`. */
  contexts: Record<string, Value>;
  outcome: Outcome;
}

const maxExpressionLength = 8192;

function toData(value: Value): data.ExpressionData {
  if (value === null) return new data.Null();
  if (typeof value === "string") return new data.StringData(value);
  if (typeof value === "number") return new data.NumberData(value);
  if (typeof value === "boolean") return new data.BooleanData(value);
  if (Array.isArray(value)) {
    const array = new data.Array();
    for (const item of value) array.add(toData(item));
    return array;
  }
  return new data.Dictionary(...Object.entries(value).map(([key, member]) => ({ key, value: toData(member) })));
}

function statusFunctions(outcome: Outcome) {
  const named = (name: string, result: boolean) => ({
    name,
    minArgs: 0,
    maxArgs: 0,
    call: () => new data.BooleanData(result),
  });
  return [
    named("success", outcome === "success"),
    named("failure", outcome === "failure"),
    named("cancelled", outcome === "cancelled"),
    named("always", true),
  ];
}

function evaluateData(expression: string, { contexts, outcome }: ExpressionContext): data.ExpressionData {
  if (expression.length > maxExpressionLength)
    throw new Error(`the expression is longer than ${maxExpressionLength} characters`);
  const functions = statusFunctions(outcome);
  try {
    const { tokens } = new Lexer(expression).lex();
    const parsed = new Parser(tokens, Object.keys(contexts), functions).parse();
    const dictionary = toData(contexts) as data.Dictionary;
    return new Evaluator(parsed, dictionary, new Map(functions.map((each) => [each.name, each]))).evaluate();
  } catch (error) {
    throw new Error(`cannot evaluate "${expression}": ${(error as Error).message}`, { cause: error });
  }
}

const expressionPattern = /\$\{\{([\s\S]*?)\}\}/g;

/** Replaces every `${{ expression }}` of a text by its value. @throws Error naming the expression */
export function interpolate(text: string, context: ExpressionContext): string {
  return text.replace(expressionPattern, (_, expression: string) =>
    evaluateData(expression.trim(), context).coerceString(),
  );
}

export function interpolateAll(values: Record<string, string>, context: ExpressionContext): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, interpolate(value, context)]));
}

const statusCall = /\b(success|failure|cancelled|always)\s*\(/;

/**
 * An `if:`. Absent means `success()`; one without a status function means `success() && (…)`, as GitHub has it.
 * @throws Error naming the expression
 */
export function evaluateCondition(condition: string | undefined, context: ExpressionContext): boolean {
  if (condition === undefined || condition.trim() === "") return context.outcome === "success";
  const inner = condition.replace(/^\s*\$\{\{([\s\S]*)\}\}\s*$/, "$1").trim();
  if (!statusCall.test(inner) && context.outcome !== "success") return false;
  const value = evaluateData(inner, context);
  return !(value.coerceString() === "" || value.coerceString() === "false" || value.coerceString() === "0");
}
