import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { pipeline } from "./pipeline.ts";
import { fixture } from "./testing/fixture.ts";

const names = pipeline(fixture().services).map(([name]) => name);
const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

test("every stage has its file and its test", () => {
  const files = readdirSync(new URL("./stages/", import.meta.url));
  const expected = names.flatMap((name) => [`${kebab(name)}.ts`, `${kebab(name)}.test.ts`]).sort();
  expect(files.sort()).toEqual(expected);
});

test("README lists the stages in the order they run", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const listed = [...readme.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
  expect(listed.filter((name) => names.includes(name as string))).toEqual(names);
});
