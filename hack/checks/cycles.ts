/** Finds the cycles of a graph: each strongly connected part of more than one node, as one closed path. */
export function findCycles(graph: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  return strongComponents(graph)
    .filter((part) => part.length > 1)
    .map((part) => closedPath(graph, new Set(part)));
}

/** Tarjan's algorithm. */
function strongComponents(graph: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const index = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const parts: string[][] = [];
  const visit = (node: string): number => {
    const own = index.size;
    let lowest = own;
    index.set(node, own);
    stack.push(node);
    onStack.add(node);
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) lowest = Math.min(lowest, visit(next));
      else if (onStack.has(next)) lowest = Math.min(lowest, index.get(next) ?? own);
    }
    if (lowest === own) {
      const part = stack.splice(stack.indexOf(node));
      for (const member of part) onStack.delete(member);
      parts.push(part);
    }
    return lowest;
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  return parts;
}

/** Walks inside a part until a node comes again: short enough to read. */
function closedPath(graph: ReadonlyMap<string, ReadonlySet<string>>, part: ReadonlySet<string>): string[] {
  const path = [[...part].sort()[0] ?? ""];
  for (;;) {
    const next = [...(graph.get(path.at(-1) ?? "") ?? [])].find((node) => part.has(node)) ?? "";
    const seen = path.indexOf(next);
    path.push(next);
    if (seen >= 0) return path.slice(seen);
  }
}
