import type { MapContext } from "@krate/controller";
import { User } from "@krate/kinds";
import type { Person } from "./merge/message.ts";

/** The User object of a Kubernetes user where there is one; otherwise the user name with an address nobody has. */
export function personOfUser(user: string, namespace: string | undefined, { lister }: MapContext): Person {
  const found = lister(User)
    .list(namespace)
    .find(({ metadata: { name }, spec }) => (spec.username ?? name) === user);
  if (found) return { name: found.spec.displayName, email: found.spec.email };
  const local = user.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^-+|-+$/g, "") || "unknown";
  return { name: user, email: `${local}@users.noreply.krate.a5c.ai` };
}
