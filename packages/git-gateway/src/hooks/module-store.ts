import { createHash } from "node:crypto";
import { inspectWasmModule, type WasmSettings } from "@krate/refpolicy";
import { HookFailure, type HookPool } from "./hook-pool.ts";

/** Where modules come from. A module is only ever used when its digest is the one the policy names. */
export interface ModuleSource {
  /** @throws Error whose text says why the module cannot be had */
  fetch(namespace: string, module: WasmSettings["module"]): Promise<Uint8Array>;
}

interface Loaded {
  compiled: WebAssembly.Module;
  maxMemoryBytes: number;
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
  readonly #modules = new Map<string, Promise<Loaded>>();

  constructor(source: ModuleSource, pool: HookPool) {
    this.#source = source;
    this.#pool = pool;
  }

  /** @throws {HookFailure} of kind module, or what the pool throws */
  async load(namespace: string, { module, memoryMiB = 64 }: WasmSettings): Promise<WebAssembly.Module> {
    const loaded = await this.#loaded(namespace, module);
    if (loaded.maxMemoryBytes > memoryMiB * 1024 * 1024)
      throw new HookFailure(
        "module",
        `the module may use ${loaded.maxMemoryBytes / 1024 / 1024} MiB of memory; the rule allows ${memoryMiB} MiB`,
      );
    return loaded.compiled;
  }

  #loaded(namespace: string, module: WasmSettings["module"]): Promise<Loaded> {
    const { digest } = module;
    const known = this.#modules.get(digest) ?? this.#load(namespace, module);
    this.#modules.delete(digest);
    this.#modules.set(digest, known);
    for (const oldest of this.#modules.keys()) {
      if (this.#modules.size <= maxModules) break;
      this.#modules.delete(oldest);
    }
    return known;
  }

  async #load(namespace: string, module: WasmSettings["module"]): Promise<Loaded> {
    try {
      const bytes = await this.#source.fetch(namespace, module);
      const found = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
      if (found !== module.digest)
        throw new Error(`the module has digest ${found}; the policy names ${module.digest}, and no other is run`);
      const { maxMemoryBytes } = inspectWasmModule(bytes);
      return { compiled: await this.#pool.compile(bytes), maxMemoryBytes };
    } catch (error) {
      const timer = setTimeout(() => this.#modules.delete(module.digest), retryAfterMs);
      timer.unref();
      if (error instanceof HookFailure) throw error;
      throw new HookFailure("module", error instanceof Error ? error.message : String(error), { cause: error });
    }
  }
}
