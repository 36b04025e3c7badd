/** What an administrator runs so that a person may see what they cannot see now: read access to exactly those resources. */
import type { SourceRow } from "./hook-rows.ts";

export interface GrantTarget {
  user: string;
  namespace: string;
}

/**
 * For each scope a role and its binding: cluster-wide resources can only be granted everywhere, others in the organization's namespace.
 * Granting the same again fails with AlreadyExists and changes nothing.
 */
export function grantCommands(
  sources: readonly Pick<SourceRow, "resource" | "scope">[],
  { user, namespace }: GrantTarget,
): string {
  const name = `krate-read-hooks-${slugOf(user)}`;
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

/** A name that Kubernetes accepts, from any user name. */
function slugOf(user: string): string {
  const slug = user.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return slug.replace(/^-+|-+$/g, "").slice(0, 60) || "person";
}
