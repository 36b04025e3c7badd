import { expect, test } from "@jest/globals";
import { LogDocument } from "./log-document.ts";

test("markers become headings of steps, once each, and are no lines", () => {
  const log = new LogDocument();
  log.add(['##[krate]{"step":1,"phase":"Running"}', "one"]);
  log.add(['##[krate]{"step":1,"phase":"Succeeded"}', '##[krate]{"step":2,"phase":"Running"}', "two"]);
  expect(log.rows).toEqual([{ step: 1 }, { line: "one", number: 1 }, { step: 2 }, { line: "two", number: 2 }]);
  expect([...log.steps]).toEqual([
    [1, 0],
    [2, 2],
  ]);
});

test("text that only looks like a marker is shown", () => {
  const log = new LogDocument();
  log.add(["##[krate] hello"]);
  expect(log.rows).toEqual([{ line: "##[krate] hello", number: 1 }]);
});
