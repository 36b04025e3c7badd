/** Every new commit on a branch must name an issue: #12 or WEB-12. */
import { Commit, push, refuse } from "./krate";

export function krate_hook_v1(): i32 {
  const updates = push().updates;
  for (let i = 0; i < updates.length; i++) {
    if (!updates[i].ref.startsWith("refs/heads/")) continue;
    const commits = updates[i].commits();
    for (let j = 0; j < commits.length; j++) {
      if (isMerge(commits[j]) || namesIssue(commits[j].message)) continue;
      refuse("commit " + commits[j].id.substring(0, 12) + " names no issue, such as #12 or WEB-12");
    }
  }
  return 0;
}

/** Messages of merges are written by git. */
function isMerge(commit: Commit): bool {
  return commit.parents.length > 1;
}

/** A digit after "#", or after "-" with a capital letter in front of it. */
function namesIssue(message: string): bool {
  for (let at = 0; at < message.length - 1; at++) {
    if (!isDigit(message.charCodeAt(at + 1))) continue;
    const char = message.charCodeAt(at);
    if (char == 0x23) return true;
    if (char == 0x2d && at > 0 && isCapital(message.charCodeAt(at - 1))) return true;
  }
  return false;
}

function isDigit(char: i32): bool {
  return char >= 0x30 && char <= 0x39;
}

function isCapital(char: i32): bool {
  return char >= 0x41 && char <= 0x5a;
}
