import { expect, test } from "@jest/globals";
import { headerText } from "./exchange.ts";

const wire = (text: string) => Buffer.from(text, "utf8").toString("latin1");

const cases = [
  { value: "ada", text: "ada", reason: "plain" },
  { value: wire("jürgen"), text: "jürgen", reason: "UTF-8 as Go sends it" },
  { value: wire("井戸 🐙"), text: "井戸 🐙", reason: "beyond Latin" },
  { value: "j\u00fcrgen", text: "j\u00fcrgen", reason: "Latin-1 that is no UTF-8" },
  { value: "井", text: "井", reason: "decoded already" },
];
test.each(cases)("a header value is read as it was meant: $reason", ({ value, text }) => {
  expect(headerText(value)).toBe(text);
});
