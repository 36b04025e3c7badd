import { describe, expect, test } from "@jest/globals";
import { movedMessage } from "@krate/git";
import { GatewayUnavailableError, parsePush } from "./push.ts";

const ref = "refs/heads/main";
const parse = (stdout: string, stderr = "") => parsePush(stdout, { exitCode: 1, stderr, ref });
const line = (flag: string, summary: string) => `To http://x\n${flag}\tabc:${ref}\t${summary}\nDone\n`;

describe("what git push says", () => {
  test.each([
    { reason: "a moved ref", stdout: line(" ", "aaa..bbb"), outcome: { result: "landed" } },
    { reason: "a ref that is there already", stdout: line("=", "[up to date]"), outcome: { result: "landed" } },
    { reason: "a deletion", stdout: `To x\n-\t:${ref}\t[deleted]\nDone`, outcome: { result: "landed" } },
    {
      reason: "a lease that does not hold",
      stdout: line("!", "[rejected] (stale info)"),
      outcome: { result: "moved" },
    },
    {
      reason: "the gateway sees another value",
      stdout: line("!", `[remote rejected] (git expected-old-value: ${movedMessage})`),
      outcome: { result: "moved" },
    },
    {
      reason: "the ref transaction finds another value",
      stdout: line("!", `[remote rejected] (${movedMessage})`),
      outcome: { result: "moved" },
    },
    {
      reason: "somebody holds the ref's lock",
      stdout: line("!", "[remote rejected] (the ref is locked by another update; try again)"),
      outcome: { result: "moved" },
    },
    {
      reason: "a policy",
      stdout: line("!", "[remote rejected] (RefPolicy/all linear: no merges (use rebase))"),
      outcome: { result: "refused", reason: "RefPolicy/all linear: no merges (use rebase)" },
    },
  ])("$reason", ({ stdout, outcome }) => {
    expect(parse(stdout)).toEqual(outcome);
  });

  test("no word about the ref means that the gateway did not answer as one", () => {
    expect(() => parse("", "fatal: unable to access 'http://x/': Failed to connect")).toThrow(GatewayUnavailableError);
    expect(() => parse("", "fatal: unable to access 'http://x/': Failed to connect")).toThrow(
      "git-gateway did not take the push: git push failed: unable to access 'http://x/': Failed to connect",
    );
    expect(() => parse(line(" ", "x").replaceAll(ref, "refs/heads/other"))).toThrow(GatewayUnavailableError);
  });
});
