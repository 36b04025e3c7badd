/**
 * Turns a checked expression into closures. Which steps there are, what is computed before the run and what each step costs is cel-go's: the cost of
 * an expression is part of what its author sees. Source: cel-go v0.26 interpreter/planner.go, interpretable.go, decorators.go, runtimecost.go.
 */
import type { Expr, ExprOf } from "./ast.ts";
import type { Attribute } from "./attributes.ts";
import { ConditionalAttribute, goType, PathAttribute } from "./attributes.ts";
import { callOf, equalityOf } from "./calls.ts";
import { Pending, planFold } from "./folds.ts";
import { CelError } from "./issues.ts";
import { listLiteral, mapLiteral, structLiteral } from "./literals.ts";
import { logical } from "./logic.ts";
import type { Evaluate, Planned, Run } from "./plan.ts";
import { CelProgramError, constant, folded } from "./plan.ts";
import type { Value } from "./values.ts";
import { OptionalValue, TypeValue, Uint } from "./values.ts";

export class Planner {
  /** Variables of loops with their slots, innermost last. */
  readonly #locals: { name: string; slot: number }[] = [];
  #slots = 0;

  get slots(): number {
    return this.#slots;
  }

  /** @throws CelProgramError */
  plan(node: Expr): Planned {
    switch (node.kind) {
      case "literal":
        return constant(node.value);
      case "ident":
        return this.#reference(node);
      case "select":
        return this.#select(node);
      case "call":
        return this.#call(node);
      case "list":
        return this.#list(node);
      case "map":
        return this.#map(node);
      case "struct":
        return structLiteral(
          node.name,
          node.fields.map((field) => ({
            name: field.name,
            value: this.plan(field.value).evaluate,
            optional: field.optional,
          })),
        );
      case "fold":
        return planFold(this, node);
    }
  }

  /** Plans `body` with local variables in scope. */
  withLocals<T>(names: readonly string[], body: (slots: readonly number[]) => T): T {
    const slots = names.map((name) => {
      const slot = this.#slots++;
      this.#locals.push({ name, slot });
      return slot;
    });
    const result = body(slots);
    this.#locals.length -= names.length;
    return result;
  }

  #reference({ reference }: ExprOf<"ident"> | ExprOf<"select">): Planned {
    if (reference === undefined) throw new Error("a name that was not checked");
    if ("typeName" in reference) return constant(new TypeValue(reference.typeName));
    const { variable } = reference;
    const slot = this.#locals.findLast(({ name }) => name === variable)?.slot;
    const read: Evaluate = slot === undefined ? (run) => run.variable(variable) : (run) => fromSlot(run, slot);
    return variableStep(new PathAttribute(read), read);
  }

  #select(node: ExprOf<"select">): Planned {
    if (node.reference !== undefined) return this.#reference(node);
    const { field, testOnly } = node;
    const attribute = attributeOf(this.plan(node.operand));
    attribute.add({ key: field, isField: true, optional: false, testOnly });
    return testOnly ? presence(attribute) : observed(attribute);
  }

  #index(args: readonly Expr[], optional: boolean, isField: boolean): Planned {
    const [operand, index] = args.map((arg) => this.plan(arg)) as [Planned, Planned];
    const attribute = attributeOf(operand);
    if (index.constant !== undefined) {
      const key = index.constant;
      if (!isKey(key)) throw new CelProgramError(`invalid qualifier type: ${goType(key)}`);
      attribute.add({ key, isField, optional, testOnly: false });
    } else {
      const inner = index.attribute;
      const key: Evaluate = inner === undefined ? index.evaluate : (run) => inner.resolve(run);
      attribute.add({ key, isField, optional, testOnly: false });
    }
    return observed(attribute);
  }

  #call(node: ExprOf<"call">): Planned {
    switch (node.name) {
      case "_[_]":
        return this.#index(node.args, false, false);
      case "_[?_]":
        return this.#index(node.args, true, false);
      case "_?._":
        return this.#index(node.args, true, true);
    }
    const args = (node.target === undefined ? node.args : [node.target, ...node.args]).map((arg) => this.plan(arg));
    const [a, b, c] = args as [Planned, Planned, Planned];
    switch (node.name) {
      case "_&&_":
      case "_||_":
        return { evaluate: logical(a.evaluate, b.evaluate, node.name === "_||_") };
      case "_?_:_":
        return conditional(a, b, c);
      case "_==_":
      case "_!=_":
        return { evaluate: equalityOf(a.evaluate, b.evaluate, node.name === "_!=_") };
      case "@not_strictly_false":
        return { evaluate: notStrictlyFalse(a.evaluate) };
    }
    return callOf(node.name, node.overloads ?? [], args);
  }

  #list({ elements, optional }: ExprOf<"list">): Planned {
    const planned = elements.map((element, index) => ({ ...this.plan(element), optional: optional.has(index) }));
    const evaluate = listLiteral(planned);
    return isConstant(planned) ? folded(evaluate) : { evaluate: (run) => spendAfter(run, evaluate, 10) };
  }

  #map({ entries }: ExprOf<"map">): Planned {
    const keys = entries.map(({ key }) => this.plan(key));
    const values = entries.map(({ value }) => this.plan(value));
    const evaluate = mapLiteral(
      entries.map(({ optional }, index) => ({
        key: (keys[index] as Planned).evaluate,
        value: (values[index] as Planned).evaluate,
        optional,
      })),
    );
    return isConstant([...keys, ...values]) ? folded(evaluate) : { evaluate: (run) => spendAfter(run, evaluate, 30) };
  }
}

function isConstant(all: readonly Planned[]): boolean {
  return all.every((each) => each.constant !== undefined);
}

function spendAfter(run: Run, evaluate: Evaluate, cost: number): Value {
  try {
    return evaluate(run);
  } finally {
    run.budget.spend(cost);
  }
}

/** A variable as a step; it stays one when a path is added to the attribute for another step. */
function variableStep(attribute: Attribute, read: Evaluate): Planned {
  return {
    attribute,
    evaluate: (run) => {
      run.budget.spend(1);
      return read(run);
    },
  };
}

/** An attribute as a step: its start costs 1, unless a condition chooses it. */
function observed(attribute: Attribute): Planned {
  if (attribute instanceof ConditionalAttribute) return { attribute, evaluate: (run) => attribute.resolve(run) };
  return { attribute, evaluate: (run) => spendAfter(run, (inner) => attribute.resolve(inner), 1) };
}

function attributeOf(planned: Planned): Attribute {
  return planned.attribute ?? new PathAttribute(planned.evaluate);
}

/** `has()`: what it spends on the start of a path is given back, also where a condition chose it and nothing was spent. */
function presence(attribute: Attribute): Planned {
  if (!(attribute instanceof ConditionalAttribute))
    return { attribute, evaluate: (run) => isPresent(attribute.resolve(run)) };
  return { attribute, evaluate: (run) => isPresent(spendAfter(run, (inner) => attribute.resolve(inner), -1)) };
}

/** What `has()` gives for a path through optional values. */
function isPresent(value: Value): Value {
  return value instanceof OptionalValue ? value.value !== undefined : value;
}

function fromSlot(run: Run, slot: number): Value {
  let value = run.slots[slot];
  if (value instanceof Pending) {
    value = value.compute(run);
    run.slots[slot] = value;
  }
  if (value instanceof CelError) throw value;
  return value as Value;
}

function conditional(condition: Planned, yes: Planned, no: Planned): Planned {
  const attribute = new ConditionalAttribute(condition.evaluate, attributeOf(yes), attributeOf(no));
  return { attribute, evaluate: (run) => attribute.resolve(run) };
}

/** True for everything but false, also for an error. */
function notStrictlyFalse(operand: Evaluate): Evaluate {
  return (run) => {
    let value: Value = true;
    try {
      value = operand(run);
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
    }
    run.budget.spend(1);
    return value !== false;
  };
}

function isKey(value: Value): boolean {
  return ["string", "boolean", "bigint", "number"].includes(typeof value) || value instanceof Uint;
}
