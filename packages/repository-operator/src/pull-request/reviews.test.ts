import { describe, expect, test } from "@jest/globals";
import type { ObjectOf, PullRequest, Review } from "@krate/kinds";
import type { EffectiveProtection } from "@krate/refpolicy";
import { reviewPhase, reviewsCondition, summarizeReviews } from "./reviews.ts";

type Decision = "approve" | "request-changes" | "comment";
const head = "a".repeat(40);
const old = "b".repeat(40);
let version = 0;

function review(
  user: string,
  decision: Decision,
  {
    at = 1,
    sha = head,
    dismissed = false,
    teams,
  }: { at?: number; sha?: string; dismissed?: boolean; teams?: string[] } = {},
): ObjectOf<typeof Review> {
  return {
    apiVersion: "forge.krate.a5c.ai/v1alpha1",
    kind: "Review",
    metadata: { name: `r${++version}`, resourceVersion: String(version) },
    spec: { organizationRef: "acme", pullRequest: "p", decision, commitSha: sha, dismissed },
    status: {
      author: { user },
      submittedAt: `2026-01-01T00:00:0${at}Z`,
      ...(teams && { authorTeams: teams }),
    },
  };
}

const protection = (fields: Partial<EffectiveProtection>): EffectiveProtection => ({
  sources: ["main"],
  requirePullRequest: true,
  requiredApprovals: 0,
  requiredTeams: [],
  requireCodeOwners: false,
  requiredChecks: [],
  dismissStaleApprovals: true,
  allowForcePush: false,
  allowDeletion: false,
  requireSignedCommits: false,
  requireLinearHistory: false,
  bypass: [],
  ...fields,
});

describe("which reviews count", () => {
  const summarize = (reviews: ObjectOf<typeof Review>[], keepStale = false) => {
    const { approvals, changesRequested } = summarizeReviews(reviews, { author: "ada", headSha: head, keepStale });
    return { approvals: approvals.map(({ user }) => user), changesRequested };
  };
  test.each([
    {
      reason: "users in order",
      reviews: [review("carol", "approve"), review("bob", "approve")],
      approvals: ["bob", "carol"],
    },
    { reason: "not the author's own", reviews: [review("ada", "approve")] },
    { reason: "not of an older head", reviews: [review("bob", "approve", { sha: old })] },
    {
      reason: "of an older head where stale ones are kept",
      reviews: [review("bob", "approve", { sha: old })],
      keepStale: true,
      approvals: ["bob"],
    },
    {
      reason: "the newest of one user",
      reviews: [review("bob", "approve", { at: 2 }), review("bob", "request-changes", { at: 1 })],
      approvals: ["bob"],
    },
    {
      reason: "within a second the later one",
      reviews: [review("bob", "approve"), review("bob", "request-changes")],
      changesRequested: ["bob"],
    },
    {
      reason: "a comment takes nothing back",
      reviews: [review("bob", "approve"), review("bob", "comment", { at: 2 })],
      approvals: ["bob"],
    },
    {
      reason: "a dismissed one uncovers the one before",
      reviews: [review("bob", "approve"), review("bob", "request-changes", { at: 2, dismissed: true })],
      approvals: ["bob"],
    },
    {
      reason: "a request for changes outlives the head",
      reviews: [review("bob", "request-changes", { sha: old })],
      changesRequested: ["bob"],
    },
  ])("$reason", ({ reviews, keepStale, approvals = [], changesRequested = [] }) => {
    expect(summarize(reviews, keepStale)).toEqual({ approvals, changesRequested });
  });
});

describe("whether reviews are enough", () => {
  const approval = (user: string, teams?: string[]) => ({ user, sha: head, at: "", ...(teams && { teams }) });
  test.each([
    { reason: "nothing protects the base", says: "True/NoneRequired" },
    { reason: "a protection that asks for none", asks: protection({}), says: "True/NoneRequired" },
    {
      reason: "one too few",
      asks: protection({ requiredApprovals: 2 }),
      approvals: [approval("bob")],
      says: "False/ApprovalsMissing",
    },
    {
      reason: "enough",
      asks: protection({ requiredApprovals: 1 }),
      approvals: [approval("bob")],
      says: "True/Satisfied",
    },
    {
      reason: "enough, but somebody requests changes",
      asks: protection({ requiredApprovals: 1 }),
      approvals: [approval("bob")],
      against: ["carol"],
      says: "False/ChangesRequested",
    },
    {
      reason: "changes requested where nobody has to approve",
      asks: protection({}),
      against: ["carol"],
      says: "True/NoneRequired",
    },
    {
      reason: "a team without a member among them",
      asks: protection({ requiredTeams: ["security"] }),
      approvals: [approval("bob", ["web"])],
      says: "False/TeamMissing",
    },
    {
      reason: "a team with one",
      asks: protection({ requiredTeams: ["security"] }),
      approvals: [approval("bob", ["security"])],
      says: "True/Satisfied",
    },
    {
      reason: "an owner is missing",
      asks: protection({ requireCodeOwners: true }),
      missing: [{ path: "a", owners: ["@bob"] }],
      says: "False/ApprovalsMissing",
    },
    { reason: "all owners approved", asks: protection({ requireCodeOwners: true }), says: "True/Satisfied" },
  ])("$reason", ({ asks, approvals = [], against = [], missing = [], says }) => {
    const { status, reason } = reviewsCondition({ approvals, changesRequested: against }, asks, missing);
    expect(`${status}/${reason}`).toBe(says);
  });
});

describe("the phase of a review", () => {
  const pullRequest = (status: object) => ({ spec: {}, status, metadata: {} }) as ObjectOf<typeof PullRequest>;
  test.each([
    { reason: "of the head", of: review("bob", "approve"), phase: "Submitted" },
    { reason: "of an older head", of: review("bob", "approve", { sha: old }), phase: "Stale" },
    {
      reason: "kept by the protection",
      of: review("bob", "approve", { sha: old }),
      asks: protection({ dismissStaleApprovals: false }),
      phase: "Submitted",
    },
    { reason: "a request for changes", of: review("bob", "request-changes", { sha: old }), phase: "Submitted" },
    { reason: "dismissed", of: review("bob", "approve", { dismissed: true }), phase: "Dismissed" },
    {
      reason: "after the merge it stays",
      of: review("bob", "approve", { sha: old }),
      status: { phase: "Merged", headSha: head },
      phase: undefined,
    },
    { reason: "no head is known", of: review("bob", "approve"), status: { phase: "Open" }, phase: undefined },
  ])("$reason", ({ of, asks, status = { phase: "Open", headSha: head }, phase }) => {
    expect(reviewPhase(of, pullRequest(status), asks)).toBe(phase);
  });
});
