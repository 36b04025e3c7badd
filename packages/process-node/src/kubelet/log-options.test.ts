import { expect, test } from "@jest/globals";
import { readLogOptions } from "./log-options.ts";

const now = Date.parse("2026-01-01T00:00:10Z");
const read = (query: string) => readLogOptions(new URLSearchParams(query), now);

test("everything is optional", () => {
  expect(read("")).toEqual({ follow: false, timestamps: false });
});

test("reads what kube-apiserver sends", () => {
  expect(read("follow=true&tailLines=5&limitBytes=100&timestamps=true&sinceSeconds=10")).toEqual({
    follow: true,
    tailLines: 5,
    limitBytes: 100,
    timestamps: true,
    since: now - 10_000,
  });
  expect(read("sinceTime=2026-01-01T00:00:00Z").since).toBe(now - 10_000);
});

test.each([
  { query: "tailLines=-1", reason: "no lines before the beginning" },
  { query: "limitBytes=all", reason: "not a number" },
  { query: "follow=perhaps", reason: "neither true nor false" },
  { query: "sinceTime=yesterday", reason: "not a time" },
])("$query is refused by name: $reason", ({ query }) => {
  expect(() => read(query)).toThrow(query.split("=")[0]);
});
