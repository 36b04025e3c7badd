/** What a push is, as far as a rule may ask, and what is answered. */

import type { WasmSettings } from "./bundle.ts";

export type RefAction = "create" | "update" | "delete" | "force-update";

/** Whether a commit's signature is good, and when not, why. `signer` says who and with which key. */
export type CommitSignature =
  | { state: "none" }
  | { state: "verified"; signer: string }
  | { state: "unverified"; reason: string };

/** What a rule may ask about one new commit. The functions are called only when a rule asks. */
export interface CommitFacts {
  sha: string;
  parents: string[];
  message: string;
  /** What makes a signature good is the caller's to say. */
  signature(): Promise<CommitSignature>;
  /** Paths that differ from the first parent. */
  paths(): Promise<string[]>;
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

/** An object as Git stores it. `content` is absent above the size the caller asked for. */
export interface ObjectFacts {
  id: string;
  type: "commit" | "tree" | "blob" | "tag";
  size: number;
  content?: Uint8Array;
}

export interface ObjectSource {
  /** The object of an id, of `<id>^{tree}` or of `<id>:<path>`; undefined when there is none. */
  read(name: string, maxBytes: number): Promise<ObjectFacts | undefined>;
}

export interface PushFacts {
  repository: string;
  /** `mayBypass`: holds `update repositories/admin` on the repository. */
  actor: { user: string; groups: readonly string[]; mayBypass: boolean };
  /** Name of the PullRequest this push merges; the caller has made sure that the actor may say so. */
  mergeOf?: string;
  /** Objects of the repository as it would be after the push; hooks may read them. */
  objects?: ObjectSource;
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
  /** What hooks tell the person who pushes, whatever the decision. */
  notes?: string[];
}

/** One run of a WebAssembly hook. */
export interface WasmCall {
  policy: string;
  rule: string;
  settings: WasmSettings;
  hook: "pre-receive" | "update" | "post-receive";
  /** Hook `update`: the one update; otherwise every update of the push that the rule selects. */
  updates: readonly RefUpdateFacts[];
  push: PushFacts;
}

export interface WasmOutcome {
  /** Why the updates are refused; undefined when they are not. */
  refusal?: string;
  /** What the hook tells the person who pushes, one line each. */
  notes: string[];
}

/** Runs a WebAssembly hook within its limits, and applies its `failure` when it cannot be run. Throws only what facts throw. */
export type WasmRunner = (call: WasmCall) => Promise<WasmOutcome>;
