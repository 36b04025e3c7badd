/** One evaluator per rule type: what is wrong with an update, or undefined. */
import { RE2JS } from "re2js";
import type { BundleRule, RuleType } from "./bundle.ts";
import type { CommitFacts, PushFacts, RefUpdateFacts, WasmRunner } from "./facts.ts";
import { pathMatcher } from "./glob.ts";

export interface Violation {
  message: string;
  remedy: string;
}

export interface RuleContext {
  push: PushFacts;
  wasm?: WasmRunner;
  /** Every update of the push that the rule selects. */
  selected: readonly RefUpdateFacts[];
  /** The answer of the first call in this push and rule: what is asked once per push, not per update. */
  once<T>(make: () => Promise<T>): Promise<T>;
  /** Tells the person who pushes. */
  note(line: string): void;
}

/** Judges one update that the rule's refs and repositories select. */
export type Evaluator = (
  update: RefUpdateFacts,
  context: RuleContext,
) => Promise<Violation | undefined> | Violation | undefined;

/** Prepares a rule once; @throws Error when its parameters are not usable (a pattern that is not RE2). */
export function evaluatorOf(rule: BundleRule): Evaluator {
  return evaluators[rule.type](rule);
}

const evaluators: Record<RuleType, (rule: BundleRule) => Evaluator> = {
  "require-pull-request":
    () =>
    (update, { push }) => {
      if (update.action === "delete" || push.mergeOf !== undefined) return undefined; // deletion is deny-deletion's business
      return {
        message: "changes come here only by merging a pull request",
        remedy: `Push to another branch and open a pull request into ${shortName(update.ref)}.`,
      };
    },

  "deny-ref": () => (update) => ({
    message: "nobody may write this ref",
    remedy: `Use another name than ${update.ref}.`,
  }),

  "block-force-push": () => (update) => {
    const rewrites = update.action === "force-update" || (update.action === "update" && !update.isFastForward);
    if (!rewrites) return undefined;
    return {
      message: "the update would rewrite history",
      remedy: `Fetch, rebase or merge onto ${shortName(update.ref)}, and push without force.`,
    };
  },

  "deny-deletion": () => (update) =>
    update.action === "delete"
      ? { message: "the ref may not be deleted", remedy: "Keep it, or ask somebody who may bypass this rule." }
      : undefined,

  "require-linear-history": () => async (update) => {
    const merge = (await newCommits(update)).find(({ parents }) => parents.length > 1);
    return (
      merge && {
        message: `${short(merge)} is a merge commit`,
        remedy: "Rebase the branch, or merge the pull request with method squash or rebase.",
      }
    );
  },

  "require-signed-commits":
    () =>
    async (update, { push }) => {
      // The tip of a merge is made by the server on behalf of a reviewed pull request: nobody could have signed it.
      const judged = (await newCommits(update)).filter(
        (commit) => push.mergeOf === undefined || commit.sha !== update.newSha,
      );
      const signatures = await Promise.all(judged.map(async (commit) => ({ commit, is: await commit.signature() })));
      const unsigned = signatures.filter(({ is }) => is.state === "none").map(({ commit }) => commit);
      const bad = signatures.flatMap(({ commit, is }) => (is.state === "unverified" ? [{ commit, ...is }] : []));
      if (unsigned.length > 0)
        return {
          message: `not signed: ${listed(unsigned)}`,
          remedy: "Sign them (git rebase --exec 'git commit --amend --no-edit -S' <base>) and push again.",
        };
      const [first] = bad;
      if (!first) return undefined;
      return {
        message: `signature not accepted: ${listed(bad.map(({ commit }) => commit))} (${first.reason})`,
        remedy: "Register the key you sign with as an SSHKey or GPGKey of yours, or sign with a registered one.",
      };
    },

  "max-object-size":
    ({ params }) =>
    async (update) => {
      const limit = params?.maxBytes ?? 0;
      if (update.action === "delete") return undefined;
      const [blob] = await update.blobsLargerThan(limit);
      return (
        blob && {
          message: `${blob.path ?? blob.sha.slice(0, 12)} has ${blob.size} bytes; at most ${limit} are allowed`,
          remedy: "Take it out of every new commit, or keep it in LFS.",
        }
      );
    },

  "commit-message-pattern": ({ params }) => {
    const pattern = params?.pattern ?? "";
    const compiled = RE2JS.compile(pattern);
    const matches = rememberingPerCommit(({ message }) => compiled.matcher(message).find());
    return async (update) => {
      // Messages of merge commits are written by git and by the server.
      const commits = (await newCommits(update)).filter(({ parents }) => parents.length < 2);
      const wrong = commits.filter((commit) => !matches(commit));
      if (wrong.length === 0) return undefined;
      return {
        message: `commit message does not match ${pattern}: ${listed(wrong)}`,
        remedy: "Reword the commits (git rebase -i) and push again.",
      };
    };
  },

  "path-lock": ({ params }) => {
    const matchers = (params?.paths ?? []).map(pathMatcher);
    const lockedPath = rememberingPerCommit(async ({ paths }) =>
      (await paths()).find((candidate) => matchers.some((matches) => matches(candidate))),
    );
    return async (update) => {
      for (const commit of await newCommits(update)) {
        const path = await lockedPath(commit);
        if (path !== undefined)
          return {
            message: `${short(commit)} changes ${path}, which is locked`,
            remedy: "Leave locked paths as they are.",
          };
      }
      return undefined;
    };
  },

  wasm:
    ({ policy, rule, params }) =>
    async (update, context) => {
      const settings = params?.wasm;
      const hook = settings?.hook ?? "pre-receive";
      if (!settings || hook === "post-receive") return undefined; // runs after the fact and cannot refuse
      const { push, wasm } = context;
      if (!wasm)
        return settings.failure === "Allow"
          ? undefined
          : { message: "this server cannot run WebAssembly hooks", remedy: "Ask the administrator of the policy." };
      const run = async (updates: readonly RefUpdateFacts[]) => {
        const outcome = await wasm({ policy, rule, settings, hook, updates, push });
        for (const line of outcome.notes) context.note(line);
        return outcome;
      };
      const { refusal } = await (hook === "update" ? run([update]) : context.once(() => run(context.selected)));
      return refusal === undefined
        ? undefined
        : {
            message: refusal,
            remedy: `Mend what the hook complains about and push again; ask the owner of ${policy}.`,
          };
    },
};

async function newCommits(update: RefUpdateFacts): Promise<CommitFacts[]> {
  return update.action === "delete" ? [] : update.commits();
}

/** Refs of one push often bring the same commits: each is judged once per rule. */
function rememberingPerCommit<T>(judge: (commit: CommitFacts) => T): (commit: CommitFacts) => T {
  const verdicts = new WeakMap<CommitFacts, { of: T }>();
  return (commit) => {
    let verdict = verdicts.get(commit);
    if (!verdict) {
      verdict = { of: judge(commit) };
      verdicts.set(commit, verdict);
    }
    return verdict.of;
  };
}

function short(commit: CommitFacts): string {
  return commit.sha.slice(0, 12);
}

/** Up to three commits by name; the empty string for none. */
function listed(commits: CommitFacts[]): string {
  const named = commits.slice(0, 3).map(short).join(", ");
  return commits.length > 3 ? `${named} and ${commits.length - 3} more` : named;
}

function shortName(ref: string): string {
  return ref.replace(/^refs\/(heads|tags)\//, "");
}
