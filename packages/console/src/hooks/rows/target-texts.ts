import type { Target } from "../matching/judged-kinds.ts";

const verbs: Readonly<Record<string, string>> = {
  CREATE: "create",
  UPDATE: "update",
  DELETE: "delete",
  CONNECT: "connect",
  "*": "every request",
};

/** `PullRequest and Issue (create, update); Review (every request)`: kinds with the same operations together. */
export function targetTexts(targets: readonly Target[]): string {
  const byOperations = new Map<string, string[]>();
  for (const { kind, operations } of targets) {
    const key = operations.map((operation) => verbs[operation] ?? operation.toLowerCase()).join(", ");
    byOperations.set(key, [...(byOperations.get(key) ?? []), kind]);
  }
  return [...byOperations].map(([operations, kinds]) => `${listText(kinds)} (${operations})`).join("; ");
}

function listText(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
