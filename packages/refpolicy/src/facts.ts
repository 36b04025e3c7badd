/** What a push is, as far as a rule may ask, and what is answered. */

export type RefAction = "create" | "update" | "delete" | "force-update";

/** What a rule may ask about one new commit. */
export interface CommitFacts {
  sha: string;
  parents: string[];
  /** Whether the commit counts as signed; what makes a signature good is the caller's to say. */
  signed: boolean;
  message: string;
  /** Paths that differ from the first parent. */
  paths: string[];
}

export interface BlobFacts {
  sha: string;
  size: number;
  path?: string;
}

/** One requested ref update. The functions are called only when a rule asks, at most once per update and argument. */
export interface RefUpdateFacts {
  ref: string;
  oldSha: string;
  newSha: string;
  action: RefAction;
  isFastForward: boolean;
  /** Commits the update brings that no ref reached before. */
  commits(): Promise<CommitFacts[]>;
  /** New blobs larger than `bytes`. */
  blobsLargerThan(bytes: number): Promise<BlobFacts[]>;
}

export interface PushFacts {
  repository: string;
  /** `mayBypass`: holds `update repositories/admin` on the repository. */
  actor: { user: string; groups: readonly string[]; mayBypass: boolean };
  /** Name of the PullRequest this push merges; the caller has made sure that the actor may say so. */
  mergeOf?: string;
  updates: readonly RefUpdateFacts[];
}

/** `decision` is the word GitEvent records: Denied refuses, Audit and Bypassed are told and let pass. */
export interface RuleResult {
  policy: string;
  rule: string;
  decision: "Denied" | "Audit" | "Bypassed";
  /** What is wrong with this push. */
  message: string;
  /** What to do about it. */
  remedy: string;
}

export interface RefDecision {
  ref: string;
  allowed: boolean;
  decision: "Accepted" | "Rejected" | "AuditWarned";
  /** Rules that had something to say, by priority. */
  results: RuleResult[];
}

/** Runs a WebAssembly hook: a violation's text, or undefined. It applies the rule's own time and failure settings. */
export type WasmRunner = (
  settings: Record<string, unknown>,
  update: RefUpdateFacts,
  push: PushFacts,
) => Promise<string | undefined>;
