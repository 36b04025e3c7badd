/** What an administrator runs so that a person may see what they cannot see now: read access to exactly those resources. */
import type { SourceRow } from "./hook-rows.ts";

export interface GrantTarget {
  user: string;
  namespace: string;
}

/**
 * For each scope a role and its binding: cluster-wide resources can only be granted everywhere, others in the organization's namespace.
 * Other resources make another name, so that no grant is in the way of the next.
 */
export function grantCommands(
  sources: readonly Pick<SourceRow, "resource" | "scope">[],
  { user, namespace }: GrantTarget,
): string {
  const granted = fingerprint(sources.map(({ resource }) => resource).join());
  const name = `krate-read-hooks-${slugOf(user)}-${granted}`;
  const subject = subjectFlag(user);
  const commands = (scope: "Cluster" | "Namespaced", role: string, where: string[]) => {
    const resources = sources
      .filter((source) => source.scope === scope)
      .map(({ resource }) => `--resource=${resource}`);
    if (resources.length === 0) return [];
    return [
      lines([`kubectl create ${role} ${name}`, ...where, "--verb=get,list,watch", ...resources]),
      lines([`kubectl create ${role}binding ${name}`, ...where, `--${role}=${name}`, subject]),
    ];
  };
  return [
    ...commands("Cluster", "clusterrole", []),
    ...commands("Namespaced", "role", [`--namespace=${namespace}`]),
  ].join("\n");
}

/** One command over several lines, as a shell reads it. */
const lines = (parts: readonly string[]) => parts.join(" \\\n  ");

const serviceAccount = /^system:serviceaccount:([a-z0-9-]+):([a-z0-9.-]+)$/;

function subjectFlag(user: string): string {
  const [, namespace, name] = serviceAccount.exec(user) ?? [];
  if (name !== undefined) return `--serviceaccount=${namespace}:${name}`;
  return `--user='${user.replaceAll("'", `'\\''`)}'`;
}

/** FNV-1a, 32 bit: short, and the same for the same text. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash.toString(36);
}

/** A name that Kubernetes accepts, from any user name. */
function slugOf(user: string): string {
  const slug = user.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return slug.replace(/^-+|-+$/g, "").slice(0, 60) || "person";
}
