import { platformNamespace } from "@krate/kinds";
import type { RequestContext, UserInfo } from "../context.ts";

/** ServiceAccounts of the programs that may do what people may not. */
export const programs = {
  gitGateway: account("git-gateway"),
  repositoryOperator: account("repository-operator"),
  runnerOperator: account("runner-operator"),
  webhookDispatcher: account("webhook-dispatcher"),
  apiserver: account("apiserver"),
} as const;

function account(name: string): string {
  return `system:serviceaccount:${platformNamespace}:${name}`;
}

const serviceAccount = /^system:serviceaccount:/;

/** What `status.author` and the like say about the one who asks. */
export function authorOf({ name, groups }: UserInfo): { user: string; groups: string[] } {
  return { user: name, groups: groups.filter((group) => group !== "system:authenticated") };
}

export function isProgram(user: UserInfo): boolean {
  return serviceAccount.test(user.name);
}

/** Rights on a repository's content are asked as virtual subresources of it (kinds.md §5.3). */
export async function mayOnRepository(
  ctx: RequestContext,
  { verb, subresource, repository }: { verb: "get" | "update"; subresource: "content" | "admin"; repository: string },
): Promise<boolean> {
  const { allowed } = await ctx.services.authorizer.authorize({
    user: ctx.user,
    verb,
    group: "krate.a5c.ai",
    version: "v1alpha1",
    resource: "repositories",
    subresource,
    namespace: ctx.target.namespace,
    name: repository,
  });
  return allowed;
}
