import { describe, expect, it } from "@jest/globals";
import { event, gitEvent, pullRequest, subscription } from "../testing.ts";
import { maxPayloadBytes, payloadOf } from "./event.ts";
import { canonicalEvent, wants } from "./match.ts";
import { pullRequestEvents } from "./pull-request.ts";
import { pushEvent, synchronizeEvents } from "./push.ts";
import { deliveryName, renderDelivery } from "./render-delivery.ts";

describe("wants", () => {
  it.each([
    [{ events: ["*"] }, {}, true, "everything"],
    [{ events: ["push"] }, {}, true, "the family"],
    [{ events: ["pull_request"] }, { type: "pull_request.merged" }, true, "a family has all of its actions"],
    [{ events: ["pull_request.merged"] }, { type: "pull_request.merged" }, true, "one action"],
    [{ events: ["pull_request.merged"] }, { type: "pull_request.opened" }, false, "another action"],
    [{ events: ["pullrequest.created"] }, { type: "pull_request.opened" }, true, "the alias of the demo"],
    [{ repository: "api" }, {}, false, "another repository"],
    [{ active: false }, {}, false, "not active"],
    [{ filter: { refs: ["refs/heads/main"] } }, {}, true, "a ref it asked for"],
    [{ filter: { refs: ["refs/tags/*"] } }, {}, false, "a ref it did not ask for"],
    [{ filter: { refs: ["**"] } }, { ref: undefined }, false, "no ref at all"],
    [{ filter: { labels: { team: "red" } } }, { labels: { team: "red" } }, true, "a label it asked for"],
    [{ filter: { labels: { team: "red" } } }, {}, false, "no label"],
    [{}, { at: "2025-12-31T23:59:59Z" }, false, "older than the subscription"],
    [{}, { namespace: "other" }, false, "another organization"],
  ])("%j wants %j: %s (%s)", (spec, facts, expected, _reason) => {
    expect(wants(subscription(spec as object), event(facts as object))).toBe(expected);
  });

  it("spells every alias one way", () => {
    expect(["pullrequest", "pullrequest.created", "push", "*"].map(canonicalEvent)).toEqual([
      "pull_request",
      "pull_request.opened",
      "push",
      "*",
    ]);
  });
});

describe("events of a push", () => {
  it("has none for a refused update", () => {
    expect(pushEvent(gitEvent({ decision: "Rejected" }))).toBeUndefined();
    expect(pushEvent(gitEvent({ decision: "AuditWarned" }))?.type).toBe("push");
  });

  it.each([
    [{}, {}, 1, "the head of an open pull request moved"],
    [{ head: "other" }, {}, 0, "another branch"],
    [{ headRepository: { organization: "acme", name: "fork" } }, {}, 0, "the head is in a fork"],
    [{ headRepository: { organization: "acme", name: "web" }, repository: "up" }, {}, 1, "a push to the fork"],
    [{}, { action: "delete", newSha: "0".repeat(40) }, 0, "the branch was deleted"],
    [{}, { action: "create", oldSha: "0".repeat(40) }, 0, "the branch was created"],
    [{}, { receivedAt: "2025-01-01T00:00:00Z" }, 0, "the pull request was opened with it"],
  ])("pull request %j, push %j → %d synchronize (%s)", (pull, push, count, _reason) => {
    expect(synchronizeEvents(gitEvent(push as object), [pullRequest(pull)])).toHaveLength(count);
  });
});

describe("events of a pull request", () => {
  it.each([
    [{ phase: "Open" as const }, ["pull_request.opened"]],
    [{ phase: "Merged" as const, mergedAt: "2026-01-03T00:00:00Z" }, ["pull_request.opened", "pull_request.merged"]],
    [{ phase: "Closed" as const, closedAt: "2026-01-03T00:00:00Z" }, ["pull_request.opened", "pull_request.closed"]],
    [{ phase: "Merging" as const }, ["pull_request.opened"]],
  ])("%j → %j", (status, types) => {
    expect(pullRequestEvents(pullRequest({}, status)).map(({ type }) => type)).toEqual(types);
  });
});

describe("renderDelivery", () => {
  it("gives one name to one event of one subscription, and another to every other", () => {
    const name = (uid: string, type: string, id: string) => deliveryName(subscription({}, { uid }), type, id);
    expect(name("u", "push", "e")).toBe(name("u", "push", "e"));
    expect(
      new Set([name("u", "push", "e"), name("v", "push", "e"), name("u", "push", "f"), name("u", "x", "e")]).size,
    ).toBe(4);
    expect(name("u", "push", "e")).toMatch(/^hook-[0-9a-f]{20}$/);
  });

  it("keeps the payload within what a row holds, and says that it was cut", () => {
    const long = { text: "x".repeat(60_000), more: Array.from({ length: 500 }, () => "y".repeat(20_000)) };
    const payload = payloadOf(event({ body: long }));
    expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(maxPayloadBytes);
    expect(JSON.parse(payload)).toMatchObject({ event: "push", truncated: true });
    expect(renderDelivery(subscription(), event()).spec.payload).toBe(payloadOf(event()));
  });
});
