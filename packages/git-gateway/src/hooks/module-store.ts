import { type WasmSettings, wasmModuleProblem } from "@krate/refpolicy";
import { HookFailure, type HookPool } from "./hook-pool.ts";

/** Where modules come from. A module is only ever used when its digest is the one the policy names. */
export interface ModuleSource {
  /** @throws Error whose text says why the module cannot be had */
  fetch(namespace: string, module: WasmSettings["module"]): Promise<Uint8Array>;
}

/** Compiled modules that are kept, the least recently used going first. */
const maxModules = 64;
/** How long a module that could not be had is not asked for again, in milliseconds. */
const retryAfterMs = 5_000;

/**
 * Modules by digest, fetched and compiled once however many pushes need them. What cannot be had is remembered for 5 s, so that a
 * registry that is away is not asked by every push.
 */
export class ModuleStore {
  readonly #source: ModuleSource;
  readonly #pool: HookPool;
  readonly #modules = new Map<string, Promise<WebAssembly.Module>>();

  constructor(source: ModuleSource, pool: HookPool) {
    this.#source = source;
    this.#pool = pool;
  }

  /** @throws {HookFailure} of kind module, or what the pool throws */
  load(namespace: string, settings: WasmSettings): Promise<WebAssembly.Module> {
    const key = `${settings.module.digest} ${settings.memoryMiB ?? ""}`;
    const known = this.#modules.get(key) ?? this.#load(key, namespace, settings);
    this.#modules.delete(key);
    this.#modules.set(key, known);
    for (const oldest of this.#modules.keys()) {
      if (this.#modules.size <= maxModules) break;
      this.#modules.delete(oldest);
    }
    return known;
  }

  async #load(key: string, namespace: string, settings: WasmSettings): Promise<WebAssembly.Module> {
    try {
      const bytes = await this.#source.fetch(namespace, settings.module);
      const problem = wasmModuleProblem(bytes, settings);
      if (problem) throw new Error(problem.message);
      return await this.#pool.compile(bytes);
    } catch (error) {
      const timer = setTimeout(() => this.#modules.delete(key), retryAfterMs);
      timer.unref();
      if (error instanceof HookFailure) throw error;
      throw new HookFailure("module", error instanceof Error ? error.message : String(error), { cause: error });
    }
  }
}
