import { describe, expect, test } from "@jest/globals";
import { type HeadEvent, headPushesSince } from "./head-pushes.ts";

const now = "2026-01-01T01:00:00.000Z";
const zero = "0".repeat(40);

/** "A>B" at second 1, and so on: an event each. */
function events(...moves: string[]): HeadEvent[] {
  return moves.map((move, index) => {
    const [oldSha = "", newSha = ""] = move.split(">");
    const receivedAt = `2026-01-01T00:00:${String(index + 1).padStart(2, "0")}.000Z`;
    return { name: `e${index + 1}`, oldSha, newSha, user: `u${index + 1}`, receivedAt };
  });
}

async function found(log: HeadEvent[], headSha: string, newest?: { headSha: string; pushedAt: string }, max?: number) {
  const find = async (sha: string) => log.filter(({ newSha }) => newSha === sha);
  const pushes = await headPushesSince({ headSha, newest, find, now, ...(max && { max }) } as never);
  return pushes.map(({ headSha: sha, gitEvent = "unknown", pusher }) => `${sha} ${gitEvent} ${pusher ?? "-"}`);
}

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, "0")}.000Z`;

describe("pushes since the newest patch set", () => {
  test.each([
    {
      reason: "the first state is one entry, with its push",
      log: [`${zero}>A`, "A>B"],
      head: "B",
      expected: ["B e2 u2"],
    },
    { reason: "a head nobody pushed", log: [], head: "A", expected: ["A unknown -"] },
    { reason: "nothing new", log: [`${zero}>A`], head: "A", newest: { headSha: "A", pushedAt: at(1) }, expected: [] },
    {
      reason: "three at once",
      log: [`${zero}>A`, "A>B", "B>C", "C>D"],
      head: "D",
      newest: { headSha: "A", pushedAt: at(1) },
      expected: ["B e2 u2", "C e3 u3", "D e4 u4"],
    },
    {
      reason: "there and back again",
      log: [`${zero}>A`, "A>B", "B>A"],
      head: "A",
      newest: { headSha: "A", pushedAt: at(1) },
      expected: ["B e2 u2", "A e3 u3"],
    },
    {
      reason: "back, and on",
      log: [`${zero}>A`, "A>B", "B>A", "A>C"],
      head: "C",
      newest: { headSha: "A", pushedAt: at(1) },
      expected: ["B e2 u2", "A e3 u3", "C e4 u4"],
    },
    {
      reason: "deleted and made again",
      log: [`${zero}>A`, `A>${zero}`, `${zero}>B`],
      head: "B",
      newest: { headSha: "A", pushedAt: at(1) },
      expected: ["B e3 u3"],
    },
    {
      reason: "a gap in the log",
      log: ["X>B"],
      head: "B",
      newest: { headSha: "A", pushedAt: at(0) },
      expected: ["B e1 u1"],
    },
  ])("$reason", async ({ log, head, newest, expected }) => {
    expect(await found(events(...log), head, newest)).toEqual(expected);
  });

  test("a long chain is bounded, the newest ones are told", async () => {
    const log = events(...Array.from({ length: 10 }, (_, index) => `s${index}>s${index + 1}`));
    expect(await found(log, "s10", { headSha: "s0", pushedAt: at(0) }, 3)).toEqual([
      "s8 e8 u8",
      "s9 e9 u9",
      "s10 e10 u10",
    ]);
  });
});
