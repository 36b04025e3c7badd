/** Writes small WebAssembly modules by hand, so that tests can make what no compiler would. */

interface Limits {
  flags: number;
  min: number;
  max?: number;
}

export interface HookSource {
  /** Instructions of the entry point, which leaves an i32; without the final end. */
  body: number[];
  /** i32 locals of the entry point. */
  locals: number;
  /** Imports instead of the whole ABI: module, name, type index (0 is `() -> i32`). */
  imports: [module: string, name: string, type: number][];
  importMemory: boolean;
  memory: Limits | undefined;
  table: Limits;
  entry: string;
  /** The entry point is also called when the module starts. */
  start: boolean;
  /** Text at address 0. */
  data: string;
  /** Content of the type section instead of the ABI's types. */
  rawTypes: number[];
}

const i32 = 0x7f;
/** () -> i32, (i32 × n) -> i32 for n = 2..5, (i32, i32) -> (), () -> () */
const types = [
  [0x60, 0, 1, i32],
  ...[2, 3, 4, 5].map((count) => [0x60, count, ...Array.from({ length: count }, () => i32), 1, i32]),
  [0x60, 2, i32, i32, 0],
  [0x60, 0, 0],
];
/** The host ABI in the order of its function indices: input 0, commits 1, paths 2, large_blobs 3, object_info 4, object_read 5, refuse 6, say 7. */
const abi: HookSource["imports"] = [
  ["krate", "input", 1],
  ["krate", "commits", 2],
  ["krate", "paths", 2],
  ["krate", "large_blobs", 3],
  ["krate", "object_info", 3],
  ["krate", "object_read", 4],
  ["krate", "refuse", 5],
  ["krate", "say", 5],
];

/** A module with all of the ABI imported and one page of memory, whose entry point accepts, changed by `source`. */
export function assembleHook(source: Partial<HookSource>): Uint8Array {
  const imports = source.imports ?? abi;
  const memory = "memory" in source ? source.memory : { flags: 1, min: 1, max: 1 };
  const entryIndex = imports.length;
  const body = [...(source.locals ? [1, source.locals, i32] : [0]), ...(source.body ?? [0x41, 0]), 0x0b];
  const importEntries = [
    ...imports.map(([module, name, type]) => [...string(module), ...string(name), 0, type]),
    ...(source.importMemory ? [[...string("env"), ...string("memory"), 2, 1, 1, 1]] : []),
  ];
  const exports = [
    [...string(source.entry ?? "krate_hook_v1"), 0, entryIndex],
    ...(memory ? [[...string("memory"), 2, 0]] : []),
  ];
  const startBody = [0, 0x10, entryIndex, 0x1a, 0x0b];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, source.rawTypes ?? vector(types)),
    ...section(2, vector(importEntries)),
    ...section(3, vector(source.start ? [[0], [6]] : [[0]])),
    ...(source.table ? section(4, vector([[0x70, ...limits(source.table)]])) : []),
    ...(memory ? section(5, vector([limits(memory)])) : []),
    ...section(7, vector(exports)),
    ...(source.start ? section(8, varint(entryIndex + 1)) : []),
    ...section(
      10,
      vector((source.start ? [body, startBody] : [body]).map((code) => [...varint(code.length), ...code])),
    ),
    ...(source.data ? section(11, vector([[0, 0x41, 0, 0x0b, ...string(source.data)]])) : []),
  ]);
}

function limits({ flags, min, max }: Limits): number[] {
  return [flags, ...varint(min), ...(max === undefined ? [] : varint(max))];
}

function section(id: number, content: number[]): number[] {
  return [id, ...varint(content.length), ...content];
}

function vector(entries: number[][]): number[] {
  return [...varint(entries.length), ...entries.flat()];
}

function string(text: string): number[] {
  const bytes = [...Buffer.from(text)];
  return [...varint(bytes.length), ...bytes];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push((rest & 127) | (rest > 127 ? 0x80 : 0));
    if (rest <= 127) return bytes;
  }
}
