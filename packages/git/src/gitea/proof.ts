import { createHash } from "node:crypto";
import type { RefUpdate } from "../backend/git-backend.ts";
import type { GiteaName } from "./names.ts";

/** Name of the push option that carries the proof. */
export const proofOption = "krate.proof";

/**
 * Proof that the gateway let these updates of this repository pass, which nobody makes without the secret. It is good for nothing
 * else: other refs, other values or another repository need another one.
 */
export function proofOf(secret: string, { owner, name }: GiteaName, updates: readonly RefUpdate[]): string {
  const lines = updates.map(({ ref, newId, expectedOldId }) => `${expectedOldId} ${newId} ${ref}`);
  const digest = (text: string) => createHash("sha256").update(`${secret}\n${text}\n`).digest("hex");
  // Twice with the secret, so that nothing can be appended to what was hashed.
  return digest(digest([`${owner}/${name}`, ...lines].join("\n")));
}

/**
 * The hook Gitea runs before any ref moves, whoever pushes and however: through its web pages and API too. Static: what it needs comes
 * from the environment of the Gitea process, KRATE_HOOK_SECRET_FILE being the secret that the gateway has as well. Without it every push
 * is refused.
 */
export const preReceiveHook = `#!/bin/sh
# Written by Krate: refs move only through its Git gateway.
updates=$(cat)
proof=
index=0
while [ "$index" -lt "\${GIT_PUSH_OPTION_COUNT:-0}" ]; do
  eval "option=\\$GIT_PUSH_OPTION_$index"
  case $option in ${proofOption}=*) proof=\${option#${proofOption}=} ;; esac
  index=$((index + 1))
done
refuse() {
  echo "this repository is pushed to through Krate's Git gateway only: $1" >&2
  exit 1
}
secret=$(cat "$KRATE_HOOK_SECRET_FILE" 2>/dev/null) || refuse "KRATE_HOOK_SECRET_FILE cannot be read"
[ -n "$secret" ] || refuse "KRATE_HOOK_SECRET_FILE is empty"
[ -n "$proof" ] || refuse "the push did not come from it"
hash() { sha256sum | cut -c1-64; }
inner=$(printf '%s\\n%s/%s\\n%s\\n' "$secret" "$GITEA_REPO_USER_NAME" "$GITEA_REPO_NAME" "$updates" | hash)
outer=$(printf '%s\\n%s\\n' "$secret" "$inner" | hash)
[ "$proof" = "$outer" ] || refuse "its proof is for another push"
`;
