/**
 * What the gateway needs from outside, as narrow as it is used. The Kubernetes implementations are in `adapters/`; tests run the
 * gateway with in-memory ones and the real git.
 */

import type { GitEvent, ObjectOf } from "@krate/kinds";

/** Who is calling, as the API server knows them. */
export interface Identity {
  user: string;
  groups: string[];
  uid?: string;
  extra?: Record<string, string[]>;
  /** Set for a token bound to one pipeline: it reads that repository and nothing else. */
  jobScope?: { organization: string; repository: string };
}

/** Answers who a bearer token is, or undefined for a token that is not (or no longer) valid. */
export interface Authenticator {
  authenticate(token: string): Promise<Identity | undefined>;
}

/** One question to the cluster's authorization: may this identity `verb` `repositories/<subresource>` named `repository`? */
export interface AccessQuestion {
  verb: "get" | "update";
  subresource: "content" | "admin";
  namespace: string;
  repository: string;
}

export interface Authorizer {
  authorize(identity: Identity, question: AccessQuestion): Promise<{ allowed: boolean; reason?: string }>;
}

/** What the gateway reads of a Repository object. */
export interface RepositoryView {
  namespace: string;
  name: string;
  uid: string;
  organization: string;
  visibility: "private" | "internal" | "public";
  defaultBranch: string;
  archived: boolean;
  /** The object is being deleted: no more writes. */
  terminating: boolean;
}

export interface Repositories {
  find(namespace: string, name: string): Promise<RepositoryView | undefined>;
}

export type RefAction = "create" | "update" | "delete" | "force-update";

/** What a rule may ask about one new commit of an update. */
export interface CommitFacts {
  sha: string;
  parents: string[];
  /** Whether the commit carries a signature header; whose it is, is not judged here. */
  signed: boolean;
  message: string;
  author: { name: string; email: string };
  committer: { name: string; email: string };
  /** Paths that differ from the first parent. */
  paths: string[];
}

/** One requested ref update with what is known about it. Reads happen only when a rule asks. */
export interface RefUpdateFacts {
  ref: string;
  oldSha: string;
  newSha: string;
  action: RefAction;
  isFastForward: boolean;
  /** Commits the update brings that no ref reaches yet, newest first. */
  commits(): Promise<CommitFacts[]>;
  /** New blobs above `bytes` that the push brings, with a path where one is known. */
  blobsLargerThan(bytes: number): Promise<{ sha: string; size: number; path?: string }[]>;
}

export interface PushFacts {
  namespace: string;
  repository: string;
  actor: { user: string; groups: string[]; mayBypass: boolean };
  /** The pull request this push merges; only ever set for repository-operator. */
  mergeOf?: string;
  updates: RefUpdateFacts[];
}

/** What one rule said. `Audit`: it would have denied; `Bypassed`: it would have, but the actor is exempt. */
export interface RuleResult {
  policy: string;
  rule: string;
  decision: "Allowed" | "Denied" | "Audit" | "Bypassed";
  message: string;
  remedy?: string;
}

export interface RefDecision {
  ref: string;
  allowed: boolean;
  decision: "Accepted" | "Rejected" | "AuditWarned";
  results: RuleResult[];
}

/** Judges a push by the namespace's policies. One decision per update, in the order of the updates. */
export interface PolicyEngine {
  evaluate(push: PushFacts): Promise<RefDecision[]>;
}

export type GitEventSpec = ObjectOf<typeof GitEvent>["spec"];

/** What becomes a GitEvent object. `name` is the object's name and the key of idempotence. */
export interface GitEventRecord {
  namespace: string;
  name: string;
  spec: GitEventSpec;
}

/**
 * Nothing of the batch has been written, and it is certain: the caller may undo instead of going forward. `permanent` when trying
 * again would not help, because the API refused the record (its text says why) rather than being away.
 */
export class EventsNotWrittenError extends Error {
  override readonly name = "EventsNotWrittenError";
  readonly permanent: boolean;
  constructor(message: string, options: { permanent: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.permanent = options.permanent;
  }
}

/** The durable record of ref updates. */
export interface GitEventLog {
  /**
   * Makes all records durable, in order; one that exists already counts as written.
   * @throws {EventsNotWrittenError} when certainly none was written; any other error leaves it open.
   */
  append(records: readonly GitEventRecord[]): Promise<void>;
}
