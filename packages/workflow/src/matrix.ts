/** `strategy.matrix`: every combination of its lists, plus `include`, minus `exclude`. */
import type { Node } from "yaml";
import type { YamlReader } from "./yaml-reader.ts";

/** GitHub's own limit. */
const maxCombinations = 256;

export function expandMatrix(reader: YamlReader, strategy: Node, what: string): Record<string, string>[] {
  const node = reader.members(strategy, `${what}.strategy`, ["matrix", "fail-fast", "max-parallel"]).get("matrix");
  if (!node) return [{}];
  const members = reader.members(node, `${what}.strategy.matrix`);
  const entries = (key: string) =>
    members.has(key)
      ? reader
          .list(members.get(key), `matrix.${key}`)
          .map((item) => reader.textMap(item, `each entry of matrix.${key}`))
      : [];
  const include = entries("include");
  const exclude = entries("exclude");
  let combinations: Record<string, string>[] = [{}];
  for (const [name, value] of members) {
    if (name === "include" || name === "exclude") continue;
    const values = reader.texts(value, `matrix.${name}`);
    if (combinations.length * values.length > maxCombinations) {
      reader.fail(node, `the matrix makes more than ${maxCombinations} jobs`);
      return [{}];
    }
    combinations = combinations.flatMap((combination) => values.map((each) => ({ ...combination, [name]: each })));
  }
  const isExcluded = (combination: Record<string, string>) =>
    exclude.some((rule) => Object.entries(rule).every(([key, value]) => combination[key] === value));
  const hasLists = [...members.keys()].some((name) => name !== "include" && name !== "exclude");
  return [...(hasLists ? combinations.filter((each) => !isExcluded(each)) : []), ...include];
}
