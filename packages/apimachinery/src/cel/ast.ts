/** Expressions as parsed. `at` is the offset in the text where an error about the node points. */
export type Node =
  | { kind: "literal"; at: number; value: LiteralValue }
  | { kind: "ident"; at: number; name: string }
  | { kind: "select"; at: number; operand: Node; field: string; optional: boolean }
  | { kind: "index"; at: number; operand: Node; index: Node; optional: boolean }
  | { kind: "call"; at: number; name: string; target: Node | undefined; args: Node[] }
  | { kind: "list"; at: number; elements: { value: Node; optional: boolean }[] }
  | { kind: "map"; at: number; entries: { key: Node; value: Node; optional: boolean }[] }
  | { kind: "struct"; at: number; name: string; fields: { name: string; value: Node; optional: boolean; at: number }[] }
  | { kind: "has"; at: number; operand: Node; field: string; optional: boolean }
  | { kind: "loop"; at: number; macro: LoopMacro; range: Node; variables: string[]; parts: Node[] }
  | { kind: "bind"; at: number; variable: string; value: Node; body: Node }
  | { kind: "optMap"; at: number; flat: boolean; operand: Node; variable: string; body: Node };

export type LiteralValue = null | boolean | number | bigint | string | Uint8Array | { uint: bigint };

/** Macros that visit every element of a list or key of a map. */
export type LoopMacro =
  | "all"
  | "exists"
  | "exists_one"
  | "map"
  | "filter"
  | "transformList"
  | "transformMap"
  | "transformMapEntry"
  | "sortBy";

export type NodeOf<Kind extends Node["kind"]> = Extract<Node, { kind: Kind }>;
