import { expect, test } from "@jest/globals";
import { fixture } from "../testing/fixture.ts";
import { requestId } from "./request-id.ts";

const cases = [
  { given: "abc-1", kept: true, reason: "a plain word may name the request" },
  { given: "a b", kept: false, reason: "a space could forge a log field" },
  { given: "x".repeat(65), kept: false, reason: "too long" },
  { given: undefined, kept: false, reason: "nothing was sent" },
];

test.each(cases)("names the request: $reason", ({ given, kept }) => {
  const ctx = fixture().context({ url: "/", headers: given === undefined ? {} : { "audit-id": given } });
  void requestId(ctx, () => {});
  expect(ctx.requestId === given).toBe(kept);
  expect(ctx.requestId).toMatch(/^[A-Za-z0-9._-]{5,64}$/);
});
