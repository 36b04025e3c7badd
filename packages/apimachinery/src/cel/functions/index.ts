import { authorizerFunctions } from "./authorizer.ts";
import { kubernetesFunctions } from "./kubernetes.ts";
import { listFunctions } from "./lists.ts";
import { netFunctions } from "./net.ts";
import { optionalFunctions } from "./optional.ts";
import type { Overload } from "./overload.ts";
import { quantityFunctions } from "./quantity.ts";
import { standardFunctions } from "./standard.ts";
import { stringFunctions } from "./strings.ts";

/** Every function of CEL and of Kubernetes' libraries, by name. */
export const functions: ReadonlyMap<string, readonly Overload[]> = byName([
  ...standardFunctions,
  ...stringFunctions,
  ...listFunctions,
  ...optionalFunctions,
  ...quantityFunctions,
  ...netFunctions,
  ...kubernetesFunctions,
  ...authorizerFunctions,
]);

function byName(overloads: readonly Overload[]): Map<string, Overload[]> {
  const map = new Map<string, Overload[]>();
  for (const each of overloads) map.set(each.name, [...(map.get(each.name) ?? []), each]);
  return map;
}
