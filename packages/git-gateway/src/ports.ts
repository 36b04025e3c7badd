/**
 * What the gateway needs from outside, as narrow as it is used. The Kubernetes implementations are in `adapters/`; tests run the
 * gateway with in-memory ones and the real git.
 */

import type { GitEvent, ObjectOf } from "@krate/kinds";
import type { CommitSignature, PushFacts as JudgedPush, RefDecision } from "@krate/refpolicy";

/** Who is calling, as the API server knows them. */
export interface Identity {
  user: string;
  groups: string[];
  uid?: string;
  extra?: Record<string, string[]>;
  /** Set for a token bound to one pipeline: it reads that repository and nothing else. */
  jobScope?: { organization: string; repository: string };
  /** Set for whoever came with a registered SSH key: what bounds it, whatever its owner may do. */
  key?: KeyScope;
}

/** Bounds of a registered key. */
export interface KeyScope {
  /** `SSHKey/deploy` */
  name: string;
  /** Where it is registered: it opens nothing elsewhere. */
  namespace: string;
  /** The one repository of a deploy key, which it opens by itself. */
  repository?: string;
  readOnly: boolean;
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
  /** `spec.objectStorage`. */
  lfs: RepositoryLfs;
}

/** What a repository says about its large files. */
export interface RepositoryLfs {
  /** Whether they may be pushed; those that are there can be read anyway. */
  enabled: boolean;
  /** Name of the bucket, as the platform calls it. */
  bucket?: string;
  /** Key prefix in the bucket. */
  prefix?: string;
}

export interface Repositories {
  find(namespace: string, name: string): Promise<RepositoryView | undefined>;
}

/** What rules may ask and what they answer is the vocabulary of `@krate/refpolicy`. */
export type {
  CommitFacts,
  CommitSignature,
  ObjectFacts,
  ObjectSource,
  RefAction,
  RefDecision,
  RefUpdateFacts,
  RuleResult,
} from "@krate/refpolicy";

export interface PushFacts extends JudgedPush {
  namespace: string;
}

/** Judges a push by the namespace's policies. One decision per update, in the order of the updates. */
export interface PolicyEngine {
  evaluate(push: PushFacts): Promise<RefDecision[]>;
  /** Looks at a push that landed, `updates` being what moved. Answers what is to be told to the person who pushed. */
  afterwards(push: PushFacts): Promise<string[]>;
}

/** A commit without its signature, and the signature. */
export interface SignedObject {
  payload: Buffer;
  /** ASCII armor. */
  signature: string;
}

/** Says whether a signature was made with a key that counts in a namespace. Never throws for a bad one. */
export interface CommitSignatures {
  verify(namespace: string, signed: SignedObject): Promise<CommitSignature>;
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
