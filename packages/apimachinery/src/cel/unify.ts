/** Which types fit where, and what that says about type parameters. Source: cel-go v0.26 checker/types.go and common/types/types.go. */
import type { CelType } from "./types.ts";
import { types } from "./types.ts";

export const isDynOrError = ({ kind }: CelType) => kind === "dyn" || kind === "error";

/** Equal, with the names of type parameters unless `ignoreParameters`. */
export function isExactType(a: CelType, b: CelType, { ignoreParameters = false } = {}): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.of.length !== b.of.length) return false;
  if (a.name !== b.name && !(ignoreParameters && a.kind === "param")) return false;
  return a.of.every((part, index) => isExactType(part, b.of[index] as CelType, { ignoreParameters }));
}

/** Of two types that fit, the one that takes more. */
export function mostGeneral(a: CelType, b: CelType): CelType {
  return isEqualOrLessSpecific(a, b) ? a : b;
}

function isEqualOrLessSpecific(a: CelType, b: CelType): boolean {
  if (a.kind === "dyn" || a.kind === "param") return true;
  if (b.kind === "dyn" || b.kind === "param" || a.kind !== b.kind) return false;
  switch (a.kind) {
    case "opaque":
    case "optional":
    case "list":
    case "map":
      return (
        a.name === b.name &&
        a.of.length === b.of.length &&
        a.of.every((part, index) => isEqualOrLessSpecific(part, b.of[index] as CelType))
      );
    case "type":
      return true;
    default:
      return isExactType(a, b);
  }
}

/** What type parameters stand for. Every attempt that fails is undone. */
export class Substitutions {
  readonly #bound = new Map<string, CelType>();
  /** What was bound before, newest last, to undo a failed attempt. */
  readonly #trail: [name: string, before: CelType | undefined][] = [];

  isAssignable(wanted: CelType, given: CelType): boolean {
    return this.areAssignable([wanted], [given]);
  }

  areAssignable(wanted: readonly CelType[], given: readonly CelType[]): boolean {
    const start = this.#trail.length;
    const fits = this.#fitAll(wanted, given);
    if (fits) this.#trail.length = start;
    else {
      while (this.#trail.length > start) {
        const [name, before] = this.#trail.pop() as [string, CelType | undefined];
        if (before === undefined) this.#bound.delete(name);
        else this.#bound.set(name, before);
      }
    }
    return fits;
  }

  /** The type with parameters replaced by what they stand for; unbound ones by `dyn` where asked. */
  apply(type: CelType, { unboundAsDyn = false } = {}): CelType {
    if (type.kind === "param") {
      const bound = this.#bound.get(type.name);
      if (bound !== undefined) return this.apply(bound, { unboundAsDyn });
      return unboundAsDyn ? types.dyn : type;
    }
    if (type.of.length === 0) return type;
    return { ...type, of: type.of.map((part) => this.apply(part, { unboundAsDyn })) };
  }

  #bind(name: string, type: CelType): void {
    this.#trail.push([name, this.#bound.get(name)]);
    this.#bound.set(name, type);
  }

  #fitAll(wanted: readonly CelType[], given: readonly CelType[]): boolean {
    return wanted.length === given.length && wanted.every((type, index) => this.#fits(type, given[index] as CelType));
  }

  #fits(a: CelType, b: CelType): boolean {
    if (b.kind === "param") {
      const { valid, known } = this.#substitutes(a, b);
      if (valid) return true;
      if (known) return false;
    }
    if (a.kind === "param") return this.#substitutes(b, a).valid;
    if (isDynOrError(a) || isDynOrError(b)) return true;
    if (a.kind === "null") return isNullable(b);
    if (b.kind === "null") return isNullable(a);
    if (a.kind === "type") return b.kind === "type";
    if (["opaque", "optional", "list", "map"].includes(a.kind))
      return a.kind === b.kind && a.name === b.name && this.#fitAll(a.of, b.of);
    return a.kind === b.kind && a.name === b.name;
  }

  /** Whether the parameter `b` may stand for `a`. */
  #substitutes(a: CelType, b: CelType): { valid: boolean; known: boolean } {
    if (isExactType(a, b)) return { valid: true, known: true };
    const bound = this.#bound.get(b.name);
    if (bound !== undefined) {
      if (isExactType(a, bound)) return { valid: true, known: true };
      if (!this.#fits(a, bound)) return { valid: false, known: true };
      const general = mostGeneral(a, bound);
      if (this.#isFree(b, general)) this.#bind(b.name, general);
      return { valid: true, known: true };
    }
    if (!this.#isFree(b, a)) return { valid: false, known: false };
    this.#bind(b.name, a);
    return { valid: true, known: false };
  }

  /** True when the parameter does not occur in the type. */
  #isFree(parameter: CelType, within: CelType): boolean {
    if (isExactType(parameter, within)) return false;
    if (within.kind === "param") {
      const bound = this.#bound.get(within.name);
      return bound === undefined || this.#isFree(parameter, bound);
    }
    return within.of.every((part) => this.#isFree(parameter, part));
  }
}

function isNullable({ kind }: CelType): boolean {
  return ["null", "opaque", "optional", "object", "timestamp", "duration"].includes(kind);
}
