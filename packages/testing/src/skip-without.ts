import { describe, test } from "@jest/globals";
import { type Requirement, requiredByEnvironment, requirements } from "./requirements.ts";

type Suite = (name: string, body: () => void) => void;

/**
 * `describe` for tests that need something of the machine. Where it is missing the suite is skipped and its name says
 * why; where the missing thing is listed in `KRATE_REQUIRE` (as in CI) the suite fails instead.
 *
 * @example skipWithout("envtest", "kubectl")("the process node", () => { test(…) });
 */
export function skipWithout(...needs: Requirement[]): Suite {
  const missing = needs.flatMap((name) => {
    const reason = requirements[name]();
    return reason === undefined ? [] : [{ name, reason }];
  });
  if (missing.length === 0) return describe;
  const why = missing.map(({ name, reason }) => `${name}: ${reason}`).join("; ");
  if (!missing.some(({ name }) => requiredByEnvironment()(name))) {
    return (name, body) => describe.skip(`${name} [skipped without ${why}]`, body);
  }
  return (name) =>
    describe(name, () => {
      test(`needs ${needs.join(", ")}`, () => {
        throw new Error(`KRATE_REQUIRE asks for it, but it is missing: ${why}`);
      });
    });
}
