import { expect, test } from "@jest/globals";
import { resolveLink } from "./markdown-links.ts";
import { sizeText } from "./size-text.ts";
import { agoText, durationText } from "./time-text.ts";

test.each([
  { seconds: 5, text: "just now" },
  { seconds: -30, text: "just now" },
  { seconds: 3700, text: "1 hour ago" },
  { seconds: 90_000, text: "yesterday" },
])("$seconds s before is $text", ({ seconds, text }) => {
  const now = Date.parse("2026-05-04T10:00:00Z");
  expect(agoText(new Date(now - seconds * 1000).toISOString(), now)).toBe(text);
});

test("durations and sizes have two units and one digit", () => {
  expect([900, 64_000, 7_500_000, -5].map(durationText)).toEqual(["1s", "1m 04s", "2h 05m", "0s"]);
  expect([12, 3482, 5 * 1024 ** 3].map(sizeText)).toEqual(["12 B", "3.4 KiB", "5.0 GiB"]);
});

const base = { org: "demo", repository: "hello", rev: "feature/x", folder: "docs" };

test.each([
  { href: "https://x.test/a", form: "page" as const, to: "https://x.test/a", reason: "another site" },
  { href: "#why", form: "page" as const, to: "#why", reason: "an anchor" },
  {
    href: "../src/a.ts#L3",
    form: "page" as const,
    to: "/orgs/demo/repositories/hello/blob/feature%2Fx/src/a.ts#L3",
    reason: "a file",
  },
  {
    href: "../../../etc/passwd",
    form: "page" as const,
    to: "/orgs/demo/repositories/hello/blob/feature%2Fx/etc/passwd",
    reason: "no way out",
  },
  {
    href: "a b.png",
    form: "raw" as const,
    to: "/api/orgs/demo/repositories/hello/blob?rev=feature%2Fx&path=docs%2Fa+b.png",
    reason: "a picture",
  },
])("a link in a README: $reason", ({ href, form, to }) => {
  expect(resolveLink(href, base, form)).toBe(to);
});

test("without a file, relative links lead nowhere", () => {
  expect(resolveLink("a.md", undefined, "page")).toBeUndefined();
});
