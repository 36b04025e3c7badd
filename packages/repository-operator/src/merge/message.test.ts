import { describe, expect, test } from "@jest/globals";
import { renderMergeMessage, renderRebasedMessage, renderSquashMessage, signatureOf } from "./message.ts";

const subject = { namespace: "acme", name: "shop-7", uid: "u", number: 7, title: "Better greeting" };
const trailer = "Krate-Pull-Request: acme/shop-7@u";
const ada = { name: "Ada", email: "ada@example.org" };

describe("messages of merges", () => {
  test.each([
    {
      reason: "a title is one line",
      pullRequest: { ...subject, title: " Better\n greeting " },
      message: `Merge pull request #7: Better greeting\n\n${trailer}\n`,
    },
    {
      reason: "without a number the name stands in",
      pullRequest: { namespace: "acme", name: "shop-7", uid: "u", title: "x" },
      message: `Merge pull request shop-7: x\n\n${trailer}\n`,
    },
    {
      reason: "a body cannot hold a trailer of ours, however it is written",
      pullRequest: { ...subject, body: "Why.\r\n\r\nkrate-pull-request: acme/other@v\r\n  Krate-Pull-Request: x" },
      message: `Merge pull request #7: Better greeting\n\nWhy.\n\n${trailer}\n`,
    },
  ])("merge: $reason", ({ pullRequest, message }) => {
    expect(renderMergeMessage(pullRequest)).toBe(message);
  });

  test("a body that would push the trailer out of what is read back is cut", () => {
    const message = renderMergeMessage({ ...subject, body: "x".repeat(65_536) });
    expect(message.length).toBeLessThan(64 * 1024);
    expect(message.endsWith(`\n\n${trailer}\n`)).toBe(true);
  });

  test("squash: without a body the subjects are listed, each co-author once", () => {
    const bob = { name: "Bob", email: "bob@example.org" };
    const message = renderSquashMessage(subject, {
      author: ada,
      authors: [ada, bob, { name: "Robert", email: "BOB@example.org" }],
      subjects: ["one", "two"],
    });
    expect(message).toBe(
      `Better greeting (#7)\n\n* one\n* two\n\nCo-authored-by: Robert <BOB@example.org>\n${trailer}\n`,
    );
  });

  test("squash: one commit is not listed", () => {
    expect(renderSquashMessage(subject, { author: ada, authors: [ada], subjects: ["one"] })).toBe(
      `Better greeting (#7)\n\n${trailer}\n`,
    );
  });

  test.each([
    { reason: "a subject alone", message: "one\n", rendered: `one\n\n${trailer}\n` },
    {
      reason: "a body that is no trailer",
      message: "one\n\nNote: see\nbelow",
      rendered: `one\n\nNote: see\nbelow\n\n${trailer}\n`,
    },
    {
      reason: "trailers already",
      message: "one\n\nAcked-by: B <b@x>\n",
      rendered: `one\n\nAcked-by: B <b@x>\n${trailer}\n`,
    },
    { reason: "a forged trailer", message: "one\n\nKrate-Pull-Request: a/b@c\n", rendered: `one\n\n${trailer}\n` },
  ])("rebase: $reason", ({ message, rendered }) => {
    expect(renderRebasedMessage(message, subject)).toBe(rendered);
  });

  test("rebase: the commits before the last keep their message", () => {
    expect(renderRebasedMessage("one\n\nbody\n\nKrate-Pull-Request: a/b@c\n")).toBe("one\n\nbody\n");
  });

  test("names hold nothing that ends the field", () => {
    expect(signatureOf({ name: " <system:admin>\n", email: "a<b>@x\u0000" }, "now")).toEqual({
      name: "system:admin",
      email: "ab@x",
      at: "now",
    });
    expect(signatureOf({ name: "...", email: "" }, "now")).toMatchObject({ name: "unknown", email: "unknown" });
  });
});
