import { describe, expect, test } from "@jest/globals";
import { ApiError } from "@krate/kinds";
import fc from "fast-check";
import { formatContinue, parseContinue } from "./continue-token.ts";
import type { Scope } from "./store.ts";

const text = fc.string({ maxLength: 20 });
const scope: fc.Arbitrary<Scope> = fc.record(
  { group: text, resource: text, namespace: text },
  { requiredKeys: ["group", "resource"] },
);
const position = fc.record({
  revision: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  namespace: text,
  name: text,
  remaining: fc.option(fc.nat(), { nil: undefined }),
});

describe("continue tokens", () => {
  test("say where the next page starts", () => {
    fc.assert(fc.property(scope, position, (of, at) => expect(parseContinue(of, formatContinue(of, at))).toEqual(at)));
  });

  test("do not work for another list", () => {
    fc.assert(
      fc.property(scope, scope, position, (of, other, at) => {
        fc.pre(
          JSON.stringify([of.group, of.resource, of.namespace]) !==
            JSON.stringify([other.group, other.resource, other.namespace]),
        );
        expect(() => parseContinue(other, formatContinue(of, at))).toThrow(expect.objectContaining({ code: 400 }));
      }),
    );
  });

  test("that are broken in any way are refused with 400, or are whole by chance", () => {
    const token = fc.tuple(scope, position).map(([of, at]) => ({ of, token: formatContinue(of, at) }));
    fc.assert(
      fc.property(token, fc.nat(), fc.string({ maxLength: 3 }), ({ of, token: whole }, at, noise) => {
        const cut = at % (whole.length + 1);
        for (const broken of [whole.slice(0, cut), whole.slice(0, cut) + noise + whole.slice(cut + 1), noise]) {
          try {
            parseContinue(of, broken);
          } catch (error) {
            if (!(error instanceof ApiError)) throw error;
            expect(error.code).toBe(400);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
