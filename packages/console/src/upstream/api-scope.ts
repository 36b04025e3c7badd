import "server-only";
import { ApiError } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import { currentSession } from "../session/current.ts";
import { settings } from "../settings.ts";
import { organization } from "./organization.ts";

/** What a data route needs: the API as the user, and the namespace behind the organization of its path. */
export interface ApiScope {
  api: KubeClient;
  user: string;
  namespace: string;
}

/** @throws ApiError Unauthorized without a session: a script cannot follow a redirect to the sign-in page. */
export async function apiScope(org: string): Promise<ApiScope> {
  const session = await currentSession();
  if (!session) throw new ApiError("Unauthorized", "sign in first");
  const { namespace } = await organization(org);
  return { api: settings().api.as({ token: session.token }), user: session.user, namespace };
}
