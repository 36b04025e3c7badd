/**
 * What is checked beyond types: literals of durations, timestamps and patterns, and that the elements of a literal have one type.
 * Source: cel-go v0.26 cel/validator.go.
 */
import { linearRegExp } from "../schema/regexp.ts";
import type { Expr } from "./ast.ts";
import { Budget } from "./budget.ts";
import type { Checker } from "./checker.ts";
import { fits } from "./fits.ts";
import type { Clause } from "./functions/format-text.ts";
import { clauseProblem, readTemplate } from "./functions/format-text.ts";
import { functions } from "./functions/index.ts";
import { CelError, CelSyntaxError } from "./issues.ts";
import type { CelType } from "./types.ts";
import { formatType } from "./types.ts";
import { isExactType } from "./unify.ts";

export function validateLiterals(node: Expr, checker: Checker, homogeneous: boolean): void {
  visit(node, homogeneous, (each, isHomogeneous) => {
    if (each.kind === "call") {
      validateArgument(each.name, each.args[0], checker);
      validateFormat(each, checker);
    } else if (each.kind === "list" && isHomogeneous) validateElements(each, checker);
    else if (each.kind === "map" && isHomogeneous) validateEntries(each, checker);
  });
}

/** What `format` is given may be of any types. */
function visit(node: Expr, homogeneous: boolean, look: (node: Expr, homogeneous: boolean) => void): void {
  look(node, homogeneous);
  const isExempt = node.kind === "call" && node.name === "format";
  for (const child of childrenOf(node)) visit(child, homogeneous && !isExempt, look);
}

function childrenOf(node: Expr): Expr[] {
  switch (node.kind) {
    case "literal":
    case "ident":
      return [];
    case "select":
      return [node.operand];
    case "call":
      return node.target === undefined ? node.args : [node.target, ...node.args];
    case "list":
      return node.elements;
    case "map":
      return node.entries.flatMap(({ key, value }) => [key, value]);
    case "struct":
      return node.fields.map(({ value }) => value);
    case "fold":
      return [node.range, node.init, node.condition, node.step, node.result];
  }
}

function validateArgument(name: string, argument: Expr | undefined, checker: Checker): void {
  if (argument?.kind !== "literal" || !["duration", "timestamp", "matches"].includes(name)) return;
  const { value } = argument;
  try {
    if (name === "matches") linearRegExp(String(value));
    else {
      const overload = functions.get(name)?.find(({ parameters }) => fits(parameters[0] as CelType, value));
      if (overload === undefined) throw new CelError("no such overload");
      overload.call([value], new Budget());
    }
  } catch {
    checker.report(`invalid ${name} argument`, argument.at); // what is wrong with it is not told by cel-go either
  }
}

const inner = (type: CelType, isOptional: boolean) => (isOptional ? (type.of[0] ?? type) : type);

function isEquivalent(a: CelType, b: CelType): boolean {
  return isExactType(a, b, { ignoreParameters: true });
}

function validateElements({ elements, optional }: Extract<Expr, { kind: "list" }>, checker: Checker): void {
  let common: CelType | undefined;
  for (const [index, element] of elements.entries()) {
    const type = inner(checker.finalType(element), optional.has(index));
    common ??= type;
    if (isEquivalent(common, type)) continue;
    checker.report(`expected type '${formatType(common)}' but found '${formatType(type)}'`, element.at);
    return;
  }
}

function validateEntries({ entries }: Extract<Expr, { kind: "map" }>, checker: Checker): void {
  let keys: CelType | undefined;
  let values: CelType | undefined;
  for (const { key, value, optional } of entries) {
    const keyType = checker.finalType(key);
    const valueType = inner(checker.finalType(value), optional);
    keys ??= keyType;
    values ??= valueType;
    if (!isEquivalent(keys, keyType))
      checker.report(`expected type '${formatType(keys)}' but found '${formatType(keyType)}'`, key.at);
    if (!isEquivalent(values, valueType))
      checker.report(`expected type '${formatType(values)}' but found '${formatType(valueType)}'`, value.at);
  }
}

/** A template that is written out, against arguments that are. */
function validateFormat({ name, target, args, at }: Extract<Expr, { kind: "call" }>, checker: Checker): void {
  const [list] = args;
  if (name !== "format" || target?.kind !== "literal" || typeof target.value !== "string" || list?.kind !== "list")
    return;
  const { elements } = list;
  let requested = 0;
  try {
    const expect = () => {
      requested++;
    };
    readTemplate(target.value, expect, (clause) => {
      const argument = elements[requested - 1];
      if (argument === undefined) throw new CelError(`index ${requested - 1} out of range`);
      const wrong = clauseMismatch(clause, argument, checker);
      if (wrong === undefined) return "";
      const problem = clauseProblem(clause, checker.finalType(wrong).name);
      throw new CelSyntaxError(`error during formatting: ${problem}`, wrong.at);
    });
  } catch (error) {
    if (!(error instanceof CelError) && !(error instanceof CelSyntaxError)) throw error;
    checker.report(error.message, error instanceof CelSyntaxError ? error.offset : at);
    return;
  }
  if (elements.length > requested)
    checker.report(`too many arguments supplied to string.format (expected ${requested}, got ${elements.length})`, at);
}

const clauseTypes: Readonly<Record<string, string>> = {
  b: "int uint bool",
  d: "int uint",
  f: "double string",
  e: "double string",
  o: "int uint",
  x: "int uint string bytes",
  X: "int uint string bytes",
  s: "list map int uint double bool string timestamp bytes duration type null",
};

/** The part of an argument that the clause cannot write. */
function clauseMismatch(clause: Clause, argument: Expr, checker: Checker): Expr | undefined {
  const { kind } = checker.finalType(argument);
  if (kind !== "dyn" && !clauseTypes[clause.verb]?.split(" ").includes(kind)) return argument;
  if (clause.verb !== "s" || (argument.kind !== "list" && argument.kind !== "map")) return undefined;
  for (const part of childrenOf(argument)) {
    const wrong = clauseMismatch(clause, part, checker);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}
