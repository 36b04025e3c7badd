import { finishedJobPhases, Job } from "@krate/kinds";
import { type KubeClient, type ReviewedUser, tokenReview } from "@krate/kube";
import type { Authenticator, Identity } from "../ports.ts";

/** What a job token's audience says: `krate:<organization>/<repository>/<ref>/<pipeline>`; the ref may hold slashes. */
export interface JobAudience {
  audience: string;
  organization: string;
  repository: string;
  pipeline: string;
}

const podNameKey = "authentication.kubernetes.io/pod-name";
const podUidKey = "authentication.kubernetes.io/pod-uid";

/**
 * Asks the API server who a token is. A token for people or programs has the server's own audience. A job's token names its
 * pipeline in its audience, which only decides what is asked: the API server says whether it is genuine and its Pod still
 * there, and the Pod's Job says which repository it may read, so that minting a token with somebody else's audience gains nothing.
 */
export function kubeAuthenticator(client: KubeClient): Authenticator {
  return {
    async authenticate(token) {
      const job = jobAudienceOf(token);
      const result = await tokenReview(client, token, job ? { audiences: [job.audience] } : {});
      if (!result.authenticated) return undefined;
      if (!job) return identityOf(result.user);
      return (await isRunning(job, result.user, client)) ? { ...identityOf(result.user), jobScope: job } : undefined;
    },
  };
}

/** The Krate audience of an unverified token, if it has one. */
export function jobAudienceOf(token: string): JobAudience | undefined {
  const payload = token.split(".")[1];
  if (!payload) return undefined;
  let audiences: unknown;
  try {
    audiences = (JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as { aud?: unknown }).aud;
  } catch {
    // Not a JWT: an opaque token, which the API server may know.
    return undefined;
  }
  for (const audience of Array.isArray(audiences) ? audiences : [audiences]) {
    const match = typeof audience === "string" ? /^krate:([^/]+)\/([^/]+)\/(?:.+\/)?([^/]+)$/.exec(audience) : null;
    if (match)
      return {
        audience,
        organization: match[1] as string,
        repository: match[2] as string,
        pipeline: match[3] as string,
      };
  }
  return undefined;
}

async function isRunning(audience: JobAudience, user: ReviewedUser, client: KubeClient): Promise<boolean> {
  const podName = user.extra?.[podNameKey]?.[0];
  const namespace = /^system:serviceaccount:([^:]+):/.exec(user.username)?.[1];
  if (!podName || !namespace) return false;
  const job = await client.find(Job, { namespace, name: podName });
  if (!job) return false;
  const { organizationRef, repository, pipeline } = job.spec;
  if (organizationRef !== audience.organization || repository !== audience.repository || pipeline !== audience.pipeline)
    return false;
  if ((finishedJobPhases as readonly string[]).includes(job.status?.phase ?? "")) return false;
  const podUid = job.status?.pod?.uid;
  return podUid === undefined || podUid === user.extra?.[podUidKey]?.[0];
}

function identityOf({ username, uid, groups, extra }: ReviewedUser): Identity {
  return { user: username, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) };
}
