/**
 * Looks at a WebAssembly hook before it is ever compiled: does it ask for nothing but the host ABI, and does it bound what it
 * may use? The binary format (WebAssembly core specification 2.0, §5.5), as far as it is read here:
 *
 *   module   = "\0asm" version *section          section = id:byte size:u32 content
 *   type     = 1:   vec( 0x60 vec(valtype) vec(valtype) )
 *   import   = 2:   vec( name name ( 0 typeidx / 1 tabletype / 2 memtype / 3 globaltype ) )
 *   function = 3:   vec( typeidx )
 *   table    = 4:   vec( reftype limits )
 *   memory   = 5:   vec( limits )                limits = 0 min / 1 min max / anything else: shared, 64-bit, …
 *   export   = 7:   vec( name kind index )
 *
 * The code itself is validated by the engine that compiles it.
 */

import { createHash } from "node:crypto";
import type { WasmSettings } from "./bundle.ts";

/** Largest module, in bytes. A hook written in AssemblyScript has 1 to 20 KB. */
export const maxWasmModuleBytes = 4 * 1024 * 1024;
/** Module name of every import. */
export const wasmImportModule = "krate";
/** Export that is called; its name carries the version of the ABI. */
export const wasmEntryPoint = "krate_hook_v1";
/** Bytes of a page of linear memory. */
export const wasmPageBytes = 65_536;
const maxTableElements = 65_536;
const maxSections = 1_000;
const maxEntries = 100_000;

/** Functions of the host by name: parameters and result, `i` for i32. */
export const wasmHostFunctions: Readonly<Record<string, string>> = {
  input: "ii:i",
  commits: "iii:i",
  paths: "iii:i",
  large_blobs: "iiii:i",
  object_info: "iiii:i",
  object_read: "iiiii:i",
  refuse: "ii:",
  say: "ii:",
};

export interface WasmModuleFacts {
  /** Most linear memory the module can ever have, bytes. */
  maxMemoryBytes: number;
}

/**
 * Reads what a hook module imports, exports and may use at most.
 * @throws Error whose text says what is wrong and what is allowed
 */
export function inspectWasmModule(bytes: Uint8Array): WasmModuleFacts {
  if (bytes.length > maxWasmModuleBytes)
    throw new Error(`the module has ${bytes.length} bytes; at most ${maxWasmModuleBytes} are allowed`);
  const reader = new Reader(bytes);
  if (reader.text(4) !== "\0asm" || reader.text(4) !== "\x01\0\0\0")
    throw new Error("the file is not a WebAssembly module of version 1");
  const module: Parsed = { types: [], functions: [], exports: new Map(), memories: [] };
  for (let count = 0; !reader.done; count++) {
    if (count > maxSections) throw new Error(`the module has more than ${maxSections} sections`);
    const id = reader.byte();
    const content = reader.slice(reader.u32());
    sections[id]?.(content, module);
  }
  const [memory, ...others] = module.memories;
  if (memory === undefined || others.length > 0)
    throw new Error("the module must define exactly one memory and import none");
  if (module.exports.get("memory")?.kind !== 2) throw new Error('the module must export its memory as "memory"');
  const entry = module.exports.get(wasmEntryPoint);
  const signature = entry?.kind === 0 ? module.functions[entry.index] : undefined;
  if (signature !== ":i") throw new Error(`the module must export the function ${wasmEntryPoint}() -> i32`);
  return { maxMemoryBytes: memory * wasmPageBytes };
}

const configMapReference = /^configmap\/([a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)\/([-._a-zA-Z0-9]+)$/;

/** The ConfigMap and key that `objectRef` names (`configmap/<name>/<key>`); undefined for anything else. */
export function parseModuleReference(objectRef: string): { name: string; key: string } | undefined {
  const [, name, key] = configMapReference.exec(objectRef) ?? [];
  return name !== undefined && key !== undefined ? { name, key } : undefined;
}

/** What is wrong with a module that a rule names; undefined when it can be run. */
export function wasmModuleProblem(
  bytes: Uint8Array,
  { module, memoryMiB = 64 }: WasmSettings,
): { reason: "WasmDigestMismatch" | "WasmInvalid"; message: string } | undefined {
  const found = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  if (found !== module.digest) {
    const message = `the module has digest ${found}; the policy names ${module.digest}, and no other is run`;
    return { reason: "WasmDigestMismatch", message };
  }
  try {
    const { maxMemoryBytes } = inspectWasmModule(bytes);
    if (maxMemoryBytes <= memoryMiB * 1024 * 1024) return undefined;
    const message = `the module may use ${maxMemoryBytes / 1024 / 1024} MiB of memory; the rule allows ${memoryMiB} MiB`;
    return { reason: "WasmInvalid", message };
  } catch (error) {
    return { reason: "WasmInvalid", message: (error as Error).message };
  }
}

interface Parsed {
  /** Signatures by type index. */
  types: string[];
  /** Signatures by function index, imports first. */
  functions: string[];
  exports: Map<string, { kind: number; index: number }>;
  /** Maximum pages of each memory. */
  memories: number[];
}

const sections: Record<number, (content: Reader, module: Parsed) => void> = {
  1: (content, module) => {
    content.each(() => {
      if (content.byte() !== 0x60)
        throw new Error("the module uses garbage-collected or recursive types; compile it without them");
      module.types.push(`${content.valueTypes()}:${content.valueTypes()}`);
    });
  },
  2: (content, module) => {
    content.each(() => {
      const from = content.name();
      const name = content.name();
      const kind = content.byte();
      const isKnown = from === wasmImportModule && Object.hasOwn(wasmHostFunctions, name);
      const expected = isKnown ? wasmHostFunctions[name] : undefined;
      if (kind !== 0 || expected === undefined)
        throw new Error(
          `the module imports ${JSON.stringify(`${from}.${name}`)}; only these functions of ` +
            `"${wasmImportModule}" may be imported: ${Object.keys(wasmHostFunctions).join(", ")}`,
        );
      const signature = module.types[content.u32()];
      if (signature !== expected)
        throw new Error(`the module imports ${from}.${name} as ${shown(signature)}; it is ${shown(expected)}`);
      module.functions.push(signature);
    });
  },
  3: (content, module) => {
    content.each(() => {
      module.functions.push(module.types[content.u32()] ?? "?");
    });
  },
  4: (content) => {
    content.each(() => {
      content.byte();
      const max = content.boundedLimits();
      if (max === undefined || max > maxTableElements)
        throw new Error(`every table of the module must declare a maximum of at most ${maxTableElements} elements`);
    });
  },
  5: (content, module) => {
    content.each(() => {
      const max = content.boundedLimits();
      if (max === undefined)
        throw new Error(
          "the module's memory must declare a maximum and be neither shared nor 64-bit (AssemblyScript: --maximumMemory <pages>)",
        );
      module.memories.push(max);
    });
  },
  7: (content, module) => {
    content.each(() => {
      const name = content.name();
      module.exports.set(name, { kind: content.byte(), index: content.u32() });
    });
  },
};

function shown(signature: string | undefined): string {
  const [parameters = "", results = ""] = (signature ?? "?:").split(":");
  const list = (types: string) => [...types].map((type) => (type === "i" ? "i32" : "another type")).join(", ");
  return `(${list(parameters)})${results === "" ? "" : ` -> ${list(results)}`}`;
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new Error("the module ends in the middle of a section");
    return byte;
  }

  /** LEB128, at most five bytes. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error("the module holds a number of more than 32 bits");
  }

  slice(length: number): Reader {
    if (this.#at + length > this.#bytes.length) throw new Error("the module ends in the middle of a section");
    const part = new Reader(this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length;
    return part;
  }

  text(length: number): string {
    const end = Math.min(this.#at + length, this.#bytes.length);
    const text = String.fromCharCode(...this.#bytes.subarray(this.#at, end));
    this.#at = end;
    return text;
  }

  name(): string {
    const length = this.u32();
    if (length > 1024) throw new Error("the module holds a name of more than 1024 bytes");
    const part = this.slice(length);
    return new TextDecoder().decode(part.#bytes);
  }

  each(read: () => void): void {
    const count = this.u32();
    if (count > maxEntries) throw new Error(`a section of the module has more than ${maxEntries} entries`);
    for (let index = 0; index < count; index++) read();
  }

  /** Value types of a parameter or result list: `i` for i32, `?` for any other. */
  valueTypes(): string {
    let types = "";
    this.each(() => {
      const byte = this.byte();
      // (ref null? heaptype): the heap type follows.
      if (byte === 0x63 || byte === 0x64) this.u32();
      types += byte === 0x7f ? "i" : "?";
    });
    return types;
  }

  /** The maximum of limits that have one and nothing unusual; undefined otherwise. */
  boundedLimits(): number | undefined {
    if (this.byte() !== 1) return undefined;
    this.u32();
    return this.u32();
  }
}
