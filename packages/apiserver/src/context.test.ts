import { expect, test } from "@jest/globals";
import { fixture } from "./testing/fixture.ts";

test("the first value of an audit annotation stays, a long one is cut, and there are at most 100", () => {
  const ctx = fixture().context({ url: "/" });
  expect(ctx.auditAnnotations).toBeUndefined();
  ctx.addAuditAnnotation("policy/key", "first");
  ctx.addAuditAnnotation("policy/key", "second");
  ctx.addAuditAnnotation("__proto__", "x".repeat(20_000));
  for (let at = 0; at < 200; at++) ctx.addAuditAnnotation(`many/${at}`, "");
  expect(ctx.auditAnnotations?.["policy/key"]).toBe("first");
  expect(Object.keys(ctx.auditAnnotations ?? {})).toHaveLength(100);
  expect(Object.values(ctx.auditAnnotations ?? {}).every(({ length }) => length <= 10_240)).toBe(true);
});
