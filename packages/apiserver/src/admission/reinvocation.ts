/**
 * Mutating admission runs a second time when something changed the object after a plugin that wants to see the outcome
 * (`reinvocationPolicy: IfNeeded`); never a third time.
 *
 *   first pass: every plugin; each tells what it invoked and whether that changed the object
 *   second pass, when something was changed: the plugins of this server again, and of webhooks and policies those that were invoked
 *   before the last change and want it. Nothing is invoked for the first time.
 *
 * Source: k8s.io/apiserver/pkg/admission/reinvocation.go and the reinvocationcontext.go of webhooks and policies.
 */
import { cloneJson, equalJson, type JsonObject } from "@krate/apimachinery";
import type { RequestContext } from "../context.ts";

/** The passes over one request. */
export class Reinvocation {
  /** This is the second pass. */
  again = false;
  /** Something was changed that others may want to see. */
  needed = false;
  readonly #ledgers = new Map<string, Ledger>();

  /** Of one plugin. */
  ledger(plugin: string): Ledger {
    const known = this.#ledgers.get(plugin);
    if (known !== undefined) return known;
    const made = new Ledger(this);
    this.#ledgers.set(plugin, made);
    return made;
  }
}

/** What a plugin invoked, by id. */
export class Ledger {
  readonly #passes: Reinvocation;
  /** Invoked, and to be invoked again if something changes later. */
  #invoked = new Set<string>();
  readonly #wanted = new Set<string>();
  #left: JsonObject | undefined;

  constructor(passes: Reinvocation) {
    this.#passes = passes;
  }

  /** The plugin's turn begins. */
  enter(object: JsonObject | undefined): void {
    if (this.#passes.again && !equalJson(this.#left, object)) this.#wantInvoked();
  }

  /** The plugin's turn ends. */
  leave(object: JsonObject | undefined): void {
    const matters = this.#invoked.size > 0 && object !== undefined;
    this.#left = matters ? (cloneJson(object) as JsonObject) : undefined;
  }

  /** In the second pass only what was invoked before the last change. */
  mayInvoke(id: string): boolean {
    return !this.#passes.again || this.#wanted.has(id);
  }

  invoked(id: string, { changed, reinvocable }: { changed: boolean; reinvocable: boolean }): void {
    if (changed) {
      this.#wantInvoked();
      this.#passes.needed = true;
    }
    if (reinvocable) this.#invoked.add(id);
  }

  #wantInvoked(): void {
    for (const id of this.#invoked) this.#wanted.add(id);
    this.#invoked = new Set();
  }
}

const passes = new WeakMap<RequestContext, Reinvocation>();

/** A write starts over, also after a lost race. */
export function startPasses(ctx: RequestContext): Reinvocation {
  const started = new Reinvocation();
  passes.set(ctx, started);
  return started;
}

export function passesOf(ctx: RequestContext): Reinvocation {
  return passes.get(ctx) ?? startPasses(ctx);
}
