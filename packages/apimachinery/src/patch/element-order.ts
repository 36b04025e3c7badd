import type { JsonValue } from "../json.ts";
import { equalJson, isObject, own } from "../json.ts";

function keyOf(item: JsonValue, mergeKey: string): JsonValue | undefined {
  if (mergeKey === "") return item;
  return isObject(item) ? own(item, mergeKey) : undefined;
}

function indexIn(order: readonly JsonValue[], item: JsonValue, mergeKey: string): number {
  const key = keyOf(item, mergeKey);
  return order.findIndex((each) => equalJson(keyOf(each, mergeKey), key));
}

function sortByOrder(list: readonly JsonValue[], order: readonly JsonValue[], mergeKey: string): JsonValue[] {
  return [...list].sort((a, b) => {
    const left = indexIn(order, a, mergeKey);
    const right = indexIn(order, b, mergeKey);
    return left < 0 || right < 0 ? 0 : left - right;
  });
}

/**
 * Orders a merged list: items that the patch names stand in the patch's order, the others in the order they had on the server, and the two are
 * interleaved so that a server item stays before a patch item that it stood before.
 *
 * Source: normalizeElementOrder in k8s.io/apimachinery/pkg/util/strategicpatch/patch.go.
 */
export function inPatchOrder(
  merged: readonly JsonValue[],
  patchOrder: readonly JsonValue[],
  serverOrder: readonly JsonValue[],
  mergeKey: string,
): JsonValue[] {
  const isNamed = (item: JsonValue) => indexIn(patchOrder, item, mergeKey) >= 0;
  const named = sortByOrder(merged.filter(isNamed), patchOrder, mergeKey);
  const others = sortByOrder(
    merged.filter((item) => !isNamed(item)),
    serverOrder,
    mergeKey,
  );
  const result: JsonValue[] = [];
  let at = 0;
  for (const item of named) {
    const place = indexIn(serverOrder, item, mergeKey);
    while (at < others.length && place >= 0) {
      const other = indexIn(serverOrder, others[at] ?? null, mergeKey);
      if (other < 0 || other >= place) break;
      result.push(others[at++] ?? null);
    }
    result.push(item);
  }
  return [...result, ...others.slice(at)];
}
