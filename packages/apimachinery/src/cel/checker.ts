/**
 * Finds the type of every node, and which overloads a call may mean. Notes both in the nodes.
 * Source of the rules, the texts and the places: cel-go v0.26 checker/checker.go.
 */
import type { Expr, ExprOf } from "./ast.ts";
import { qualifiedName } from "./ast.ts";
import { functions } from "./functions/index.ts";
import type { Overload } from "./functions/overload.ts";
import type { CelIssue } from "./issues.ts";
import { issueAt } from "./issues.ts";
import { literalType, namedType, unknownField } from "./named-types.ts";
import type { CelType } from "./types.ts";
import { formatType, listOf, mapOf, optionalOf, parameter, typeOf, types } from "./types.ts";
import { isDynOrError, isExactType, mostGeneral, Substitutions } from "./unify.ts";

export interface CheckOptions {
  variables: Readonly<Record<string, CelType>>;
  /** `Object{…}`, `JSONPatch{…}` and `jsonpatch.escapeKey` of mutations are known. */
  mutating: boolean;
}

const { bool, dyn, error } = types;
const mutatingFunctions = new Set(["jsonpatch.escapeKey"]);

/** cel-go reports no more. */
const maxIssues = 100;

export class Checker {
  readonly issues: CelIssue[] = [];
  /** Names of the variables that the expression uses. */
  readonly used = new Set<string>();
  readonly #expression: string;
  readonly #options: CheckOptions;
  readonly #substitutions = new Substitutions();
  /** Variables of loops, innermost last. */
  readonly #scopes: { name: string; type: CelType }[] = [];
  #typeVariables = 0;

  constructor(expression: string, options: CheckOptions) {
    this.#expression = expression;
    this.#options = options;
  }

  /** Checks an expression; its type is the result's. */
  check(node: Expr): CelType {
    this.#check(node);
    return this.finalType(node);
  }

  /** The type of a checked node, with `dyn` where it was left open. */
  finalType(node: Expr): CelType {
    return this.#substitutions.apply(node.type ?? error, { unboundAsDyn: true });
  }

  report(message: string, at: number): CelType {
    if (this.issues.length < maxIssues) this.issues.push(issueAt(this.#expression, message, at));
    return error;
  }

  #check(node: Expr): CelType {
    node.type = this.#typeOf(node);
    return node.type;
  }

  #typeOf(node: Expr): CelType {
    switch (node.kind) {
      case "literal":
        return literalType(node.value);
      case "ident":
        return this.#ident(node);
      case "select":
        return this.#select(node);
      case "call":
        return this.#call(node);
      case "list":
        return this.#list(node);
      case "map":
        return this.#map(node);
      case "struct":
        return this.#struct(node);
      case "fold":
        return this.#fold(node);
    }
  }

  /** The type of what a name stands for; notes in the node what that is. */
  #resolve(node: ExprOf<"ident"> | ExprOf<"select">, name: string): CelType | undefined {
    const local = name.startsWith(".") ? undefined : this.#scopes.findLast((each) => each.name === name);
    const plain = name.startsWith(".") ? name.slice(1) : name;
    if (local !== undefined) {
      node.reference = { variable: plain };
      return local.type;
    }
    if (Object.hasOwn(this.#options.variables, plain)) {
      node.reference = { variable: plain };
      this.used.add(plain.split(".")[0] ?? plain);
      return this.#options.variables[plain];
    }
    const named = namedType(plain, this.#options);
    if (named === undefined) return undefined;
    node.reference = { typeName: plain };
    return typeOf(named);
  }

  #ident(node: ExprOf<"ident">): CelType {
    return this.#resolve(node, node.name) ?? this.#undeclared(node.name, node.at);
  }

  #undeclared(name: string, at: number): CelType {
    return this.report(`undeclared reference to '${name}' (in container '')`, at);
  }

  #select(node: ExprOf<"select">): CelType {
    const name = qualifiedName(node);
    const found = name === undefined ? undefined : this.#resolve(node, name);
    if (found !== undefined) return found;
    const type = this.#member(node.at, node.operand, node.field, false);
    return node.testOnly ? bool : this.#substitutions.apply(type);
  }

  #member(at: number, operand: Expr, field: string, isOptional: boolean): CelType {
    const operandType = this.#substitutions.apply(this.#check(operand));
    const target = operandType.kind === "optional" ? (operandType.of[0] ?? dyn) : operandType;
    const type = this.#memberOf(target, field, at);
    return operandType.kind === "optional" || isOptional ? optionalOf(type) : type;
  }

  #memberOf(target: CelType, field: string, at: number): CelType {
    switch (target.kind) {
      case "map":
        return target.of[1] ?? dyn;
      case "object":
        if (target.field === undefined) return this.report(`unexpected failed resolution of '${target.name}'`, at);
        return target.field(field) ?? this.report(`undefined field '${field}'`, at);
      case "param":
        this.#substitutions.isAssignable(dyn, target);
        return dyn;
      case "dyn":
      case "error":
        return dyn;
      default:
        this.report(`type '${formatType(target)}' does not support field selection`, at);
        return dyn;
    }
  }

  #call(node: ExprOf<"call">): CelType {
    if (node.name === "_?._") {
      const [operand, field] = node.args as [Expr, ExprOf<"literal">];
      this.#check(field);
      node.overloads = [];
      return this.#substitutions.apply(this.#member(node.at, operand, String(field.value), true));
    }
    for (const arg of node.args) this.#check(arg);
    if (node.target === undefined) return this.#function(node);
    const prefix = qualifiedName(node.target);
    if (prefix !== undefined && this.#lookUp(`${prefix}.${node.name}`) !== undefined) {
      node.name = `${prefix}.${node.name}`;
      node.target = undefined;
      return this.#function(node);
    }
    this.#check(node.target);
    return this.#function(node);
  }

  #lookUp(name: string): readonly Overload[] | undefined {
    const plain = name.startsWith(".") ? name.slice(1) : name;
    return mutatingFunctions.has(plain) && !this.#options.mutating ? undefined : functions.get(plain);
  }

  #function(node: ExprOf<"call">): CelType {
    const overloads = this.#lookUp(node.name);
    if (overloads === undefined) return this.#undeclared(node.name, node.at);
    if (node.name.startsWith(".")) node.name = node.name.slice(1);
    if (node.name === "_&&_" || node.name === "_||_") return this.#logical(node, overloads);
    const args = node.target === undefined ? node.args : [node.target, ...node.args];
    const given = args.map(({ type }) => type ?? error);
    const matching: Overload[] = [];
    let result: CelType | undefined;
    for (const overload of overloads) {
      if (overload.isMethod !== (node.target !== undefined)) continue;
      const { parameters, result: declared } = this.#instantiate(overload);
      if (!this.#substitutions.areAssignable(given, parameters)) continue;
      matching.push(overload);
      const each = this.#substitutions.apply(declared);
      if (result === undefined) result = each;
      else if (result.kind !== "dyn" && !isExactType(each, result)) result = dyn;
    }
    node.overloads = matching;
    return result ?? this.#noOverload(node, given);
  }

  #noOverload({ name, target, at }: ExprOf<"call">, given: readonly CelType[]): CelType {
    const texts = given.map((type) => formatType(this.#substitutions.apply(type, { unboundAsDyn: true })));
    const applied = target === undefined ? `(${texts.join(", ")})` : `${texts[0]}.(${texts.slice(1).join(", ")})`;
    return this.report(`found no matching overload for '${name}' applied to '${applied}'`, at);
  }

  #logical(node: ExprOf<"call">, overloads: readonly Overload[]): CelType {
    node.overloads = overloads;
    let result: CelType = bool;
    for (const arg of node.args) if (!this.#expect(arg, bool, { given: true })) result = error;
    return result;
  }

  /** An overload with type parameters of its own. */
  #instantiate(overload: Overload): { parameters: readonly CelType[]; result: CelType } {
    if (!overload.isGeneric) return overload;
    const fresh = new Map<string, CelType>();
    const replace = (type: CelType): CelType => {
      if (type.kind === "param") {
        const known = fresh.get(type.name) ?? this.#typeVariable();
        fresh.set(type.name, known);
        return known;
      }
      return type.of.length === 0 ? type : { ...type, of: type.of.map(replace) };
    };
    return { parameters: overload.parameters.map(replace), result: replace(overload.result) };
  }

  #typeVariable(): CelType {
    return parameter(`_var${this.#typeVariables++}`);
  }

  /** Reports a node that is not of the type. `given` says which of the two comes first in cel-go's question. */
  #expect(node: Expr, wanted: CelType, { given = false } = {}): boolean {
    const type = node.type ?? error;
    const fits = given
      ? this.#substitutions.isAssignable(type, wanted)
      : this.#substitutions.isAssignable(wanted, type);
    if (!fits) this.#mismatch(node.at, wanted, type);
    return fits;
  }

  #mismatch(at: number, wanted: CelType, given: CelType): CelType {
    return this.report(`expected type '${formatType(wanted)}' but found '${formatType(given)}'`, at);
  }

  /** The type inside an optional element or entry. */
  #unwrap(node: Expr): CelType {
    const type = node.type ?? error;
    if (type.kind === "optional") return type.of[0] ?? dyn;
    if (type.kind !== "dyn") this.#mismatch(node.at, optionalOf(type), type);
    return type;
  }

  #list(node: ExprOf<"list">): CelType {
    let common: CelType | undefined;
    for (const [index, element] of node.elements.entries()) {
      this.#check(element);
      const type = node.optional.has(index) ? this.#unwrap(element) : (element.type ?? error);
      common = this.#join(common, type);
    }
    return listOf(common ?? this.#typeVariable());
  }

  #map(node: ExprOf<"map">): CelType {
    let keys: CelType | undefined;
    let values: CelType | undefined;
    for (const { key, value, optional } of node.entries) {
      keys = this.#join(keys, this.#check(key));
      this.#check(value);
      values = this.#join(values, optional ? this.#unwrap(value) : (value.type ?? error));
    }
    return mapOf(keys ?? this.#typeVariable(), values ?? this.#typeVariable());
  }

  /** Elements of different types are found by the validators. */
  #join(before: CelType | undefined, type: CelType): CelType {
    if (before === undefined) return type;
    return this.#substitutions.isAssignable(before, type) ? mostGeneral(before, type) : dyn;
  }

  #struct(node: ExprOf<"struct">): CelType {
    const name = node.name.startsWith(".") ? node.name.slice(1) : node.name;
    const variable = this.#scopes.findLast((each) => each.name === name)?.type ?? this.#options.variables[name];
    if (variable !== undefined) {
      this.report(`'${variable.name}' is not a type`, node.at);
      for (const field of node.fields) {
        this.#check(field.value);
        this.report(`unexpected failed resolution of '${name}'`, field.at);
      }
      return error;
    }
    const type = namedType(name, this.#options);
    if (type === undefined) return this.#undeclared(node.name, node.at);
    if (type.kind !== "object" || type.field === undefined)
      return this.report(`'${type.name}' is not a message type`, node.at);
    node.name = name;
    for (const field of node.fields) {
      this.#check(field.value);
      const wanted = type.field(field.name) ?? unknownField;
      const given = field.optional ? this.#unwrap(field.value) : (field.value.type ?? error);
      if (!this.#substitutions.isAssignable(wanted, given)) {
        const texts = `'${formatType(wanted)}' but provided type is '${formatType(given)}'`;
        this.report(`expected type of field '${field.name}' is ${texts}`, field.at);
      }
    }
    return type;
  }

  #fold(node: ExprOf<"fold">): CelType {
    this.#check(node.range);
    const accumulator = this.#check(node.init);
    const depth = this.#scopes.length;
    this.#scopes.push({ name: node.accumulator, type: accumulator });
    const { first, second } = this.#elementTypes(node);
    this.#scopes.push({ name: node.first, type: first });
    if (node.second !== undefined) this.#scopes.push({ name: node.second, type: second });
    this.#check(node.condition);
    this.#expect(node.condition, bool);
    this.#check(node.step);
    this.#expect(node.step, accumulator);
    this.#scopes.length = depth + 1;
    const result = this.#check(node.result);
    this.#scopes.length = depth;
    return this.#substitutions.apply(result);
  }

  #elementTypes({ range, second }: ExprOf<"fold">): { first: CelType; second: CelType } {
    const type = this.#substitutions.apply(range.type ?? error);
    const [key = dyn, value = dyn] = type.of;
    if (type.kind === "list")
      return second === undefined ? { first: key, second: dyn } : { first: types.int, second: key };
    if (type.kind === "map") return { first: key, second: value };
    if (isDynOrError(type) || type.kind === "param") {
      this.#substitutions.isAssignable(dyn, type);
      return { first: dyn, second: dyn };
    }
    const text = formatType(type);
    this.report(
      `expression of type '${text}' cannot be range of a comprehension (must be list, map, or dynamic)`,
      range.at,
    );
    return { first: error, second: error };
  }
}
