import { expect, test } from "@jest/globals";
import { closedBy, maxReferences } from "./keywords.ts";

test.each<[text: string, expected: string[]]>([
  ["fixes #12", ["#12"]],
  ["Fix: #1, closes #2 and resolved #3", ["#1", "#2", "#3"]],
  ["CLOSED other#7", ["other#7"]],
  ["closes team-a/web.site#9.", ["team-a/web.site#9"]],
  ["fixes #4 fixes #4", ["#4"]],
  ["see #5, prefixes #6, fixes#7, fixes #08, fixes #9th, hot-fix #10", []],
  ["refix #1\nfixing #2\nfix\n#3", []],
  ["`fixes #1` and\n```\ncloses #2\n```\n<!-- fixes #3 -->", []],
  ["```\ncloses #2", []],
  ["(fixes #1)", ["#1"]],
])("%j", (text, expected) => {
  const found = closedBy([text]).map(
    ({ namespace, repository = "", number }) => `${namespace ? `${namespace}/` : ""}${repository}#${number}`,
  );
  expect(found).toEqual(expected);
});

test("several texts count together, and so many are enough", () => {
  expect(closedBy(["fixes #1", "", "closes #2, fixes #1"])).toEqual([{ number: 1 }, { number: 2 }]);
  const many = Array.from({ length: 500 }, (_, index) => `fixes #${index + 1}`).join("\n");
  expect(closedBy([many])).toHaveLength(maxReferences);
});

test("a long text without end is read in time that grows with it", () => {
  for (const text of ["fixes ", "`", "<!--", "fixes a", "closes a/", "-a"])
    expect(closedBy([text.repeat(20_000)])).toEqual([]);
});
