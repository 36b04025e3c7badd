import { authorizerFunctions } from "./authorizer.ts";
import { formatFunctions } from "./formats.ts";
import { listFunctions } from "./lists.ts";
import { netFunctions } from "./net.ts";
import { operatorFunctions } from "./operators.ts";
import { optionalFunctions } from "./optional.ts";
import type { Overload } from "./overload.ts";
import { quantityFunctions } from "./quantity.ts";
import { semverFunctions } from "./semver.ts";
import { standardFunctions } from "./standard.ts";
import { stringFunctions } from "./strings.ts";

/** Every function of CEL and of Kubernetes' libraries, by name. */
export const functions: ReadonlyMap<string, readonly Overload[]> = byName([
  ...operatorFunctions,
  ...standardFunctions,
  ...stringFunctions,
  ...listFunctions,
  ...optionalFunctions,
  ...quantityFunctions,
  ...netFunctions,
  ...semverFunctions,
  ...formatFunctions,
  ...authorizerFunctions,
]);

function byName(overloads: readonly Overload[]): Map<string, Overload[]> {
  const map = new Map<string, Overload[]>();
  for (const each of overloads) map.set(each.name, [...(map.get(each.name) ?? []), each]);
  return map;
}
