/**
 * Asks the API server who somebody is (TokenReview) and what they may do (SubjectAccessReview).
 * Answers are kept for seconds, as kube-apiserver's own webhook authenticators do (2 min / 10 s there; shorter here, so
 * that a revoked token or binding stops working at once for a person).
 */
import { createHash } from "node:crypto";
import type { KubeClient } from "./types.ts";

/** Who a token belongs to. */
export interface ReviewedUser {
  username: string;
  uid?: string;
  groups: string[];
  extra?: Record<string, string[]>;
  /** The asked-for audiences the token is good for. */
  audiences?: string[];
}

export type TokenReviewResult = { authenticated: true; user: ReviewedUser } | { authenticated: false; error?: string };

export interface AccessSubject {
  user: string;
  groups: readonly string[];
  uid?: string;
  extra?: Record<string, string[]>;
}

export interface ResourceAttributes {
  verb: string;
  group: string;
  /** @defaultValue any */
  version?: string;
  resource: string;
  subresource?: string;
  namespace?: string;
  name?: string;
}

/** A URL that is no resource. */
export interface NonResourceAttributes {
  verb: string;
  path: string;
}

export interface AccessReviewResult {
  allowed: boolean;
  reason?: string;
}

export interface ReviewOptions {
  signal?: AbortSignal;
  /** False asks the server in any case. @defaultValue true */
  cache?: boolean;
}

const cacheSeconds = { authenticated: 10, refused: 2, allowed: 5, denied: 2 };
const maxCached = 10_000;

interface Entry<V> {
  value: Promise<V>;
  expiresAt: number;
}

interface Caches {
  tokens: Map<string, Entry<TokenReviewResult>>;
  access: Map<string, Entry<AccessReviewResult>>;
}

const cachesOf = new WeakMap<KubeClient, Caches>();

function caches(client: KubeClient): Caches {
  let found = cachesOf.get(client);
  if (!found) {
    found = { tokens: new Map(), access: new Map() };
    cachesOf.set(client, found);
  }
  return found;
}

/** Never answers `authenticated` unless the server said so; a failing server is an error, not a refusal. */
export function tokenReview(
  client: KubeClient,
  token: string,
  options: ReviewOptions & { audiences?: readonly string[] } = {},
): Promise<TokenReviewResult> {
  const key = createHash("sha256")
    .update([token, ...(options.audiences ?? [])].join("\0"))
    .digest("base64");
  const ttl = (result: TokenReviewResult) => (result.authenticated ? cacheSeconds.authenticated : cacheSeconds.refused);
  return cached(caches(client).tokens, key, options, ttl, async (signal) => {
    const status = await review(client, "authentication.k8s.io/v1", "TokenReview", "tokenreviews", signal, {
      token,
      ...(options.audiences && { audiences: options.audiences }),
    });
    const user = status.user as Partial<ReviewedUser> | undefined;
    if (status.authenticated !== true || !user?.username)
      return { authenticated: false, ...(typeof status.error === "string" && { error: status.error }) };
    const audiences = status.audiences as string[] | undefined;
    if (options.audiences && !audiences?.some((audience) => options.audiences?.includes(audience)))
      return { authenticated: false, error: "the token is for another audience" };
    return {
      authenticated: true,
      user: { ...user, username: user.username, groups: user.groups ?? [], ...(audiences && { audiences }) },
    };
  });
}

/** SubjectAccessReview: `denied` beats `allowed`. */
export function accessReview(
  client: KubeClient,
  subject: AccessSubject,
  attributes: ResourceAttributes | NonResourceAttributes,
  options: ReviewOptions = {},
): Promise<AccessReviewResult> {
  const key = JSON.stringify([subject.user, subject.groups, subject.uid, subject.extra, attributes]);
  const ttl = (result: AccessReviewResult) => (result.allowed ? cacheSeconds.allowed : cacheSeconds.denied);
  return cached(caches(client).access, key, options, ttl, async (signal) => {
    const { user, groups, uid, extra } = subject;
    const status = await review(
      client,
      "authorization.k8s.io/v1",
      "SubjectAccessReview",
      "subjectaccessreviews",
      signal,
      {
        user,
        groups,
        ...(uid && { uid }),
        ...(extra && { extra }),
        ...("path" in attributes ? { nonResourceAttributes: attributes } : { resourceAttributes: attributes }),
      },
    );
    const reason = typeof status.reason === "string" && status.reason !== "" ? { reason: status.reason } : {};
    return { allowed: status.allowed === true && status.denied !== true, ...reason };
  });
}

async function review(
  client: KubeClient,
  apiVersion: string,
  kind: string,
  plural: string,
  signal: AbortSignal | undefined,
  spec: object,
): Promise<Record<string, unknown>> {
  const response = await client.raw({
    method: "POST",
    path: `/apis/${apiVersion}/${plural}`,
    body: { apiVersion, kind, spec },
    timeoutSeconds: 10,
    ...(signal && { signal }),
  });
  const answer = (await response.json()) as { status?: Record<string, unknown> };
  return answer.status ?? {};
}

/** Concurrent questions share one request (which therefore no single caller may abort); failures are not kept. */
function cached<V>(
  cache: Map<string, Entry<V>>,
  key: string,
  options: ReviewOptions,
  ttlSeconds: (value: V) => number,
  ask: (signal?: AbortSignal) => Promise<V>,
): Promise<V> {
  if (options.cache === false) return ask(options.signal);
  const known = cache.get(key);
  if (known && performance.now() < known.expiresAt) return known.value;
  const entry: Entry<V> = { value: ask(), expiresAt: Number.POSITIVE_INFINITY };
  cache.delete(key);
  cache.set(key, entry);
  if (cache.size > maxCached) cache.delete(cache.keys().next().value as string);
  entry.value.then(
    (value) => {
      entry.expiresAt = performance.now() + ttlSeconds(value) * 1000;
    },
    () => {
      if (cache.get(key) === entry) cache.delete(key);
    },
  );
  return entry.value;
}
