/**
 * Which repositories somebody may read, decided before anything is searched: `get repositories/content`, or a public repository, as
 * git-gateway decides. The rules of a namespace are asked as the caller (SelfSubjectRulesReview), so what is hidden from a caller costs
 * the caller nothing, and nothing of it can be measured. An authorizer that cannot list its rules is asked for each repository.
 */
import { createHash } from "node:crypto";
import { configGroup } from "@krate/kinds";
import { accessReview, type KubeClient, type ReviewedUser } from "@krate/kube";
import type { IndexedRepository } from "../engine/code-search.ts";

export interface SearchableRepository extends IndexedRepository {
  isPublic: boolean;
}

export interface Caller {
  user: ReviewedUser;
  token: string;
}

export interface Rule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
}

/** What the caller may read in one namespace. */
interface Grants {
  all: boolean;
  names: ReadonlySet<string>;
  /** There may be more than the rules say. */
  incomplete: boolean;
}

/** As long as git-gateway believes a SubjectAccessReview. */
const cacheMs = 5_000;
const maxCached = 10_000;
/** Questions to the API server at once, for one search. */
const concurrency = 16;

export class ReadableRepositories {
  readonly #client: KubeClient;
  readonly #cache = new Map<string, { grants: Promise<Grants>; until: number }>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** Those of `repositories` that the caller may read, in their order. */
  async filter(caller: Caller, repositories: readonly SearchableRepository[]): Promise<IndexedRepository[]> {
    const namespaces = [...new Set(repositories.map(({ namespace }) => namespace))];
    const everywhere = namespaces.length > 1 && (await this.#review(caller, {}));
    if (everywhere) return [...repositories];
    const grants = new Map<string, Grants>();
    await eachOf(namespaces, async (namespace) => {
      grants.set(namespace, await this.#grants(caller, namespace));
    });
    const readable = new Set<IndexedRepository>();
    await eachOf(repositories, async (repository) => {
      const { namespace, name, isPublic } = repository;
      const { all, names, incomplete } = grants.get(namespace) as Grants;
      if (isPublic || all || names.has(name) || (incomplete && (await this.#review(caller, { namespace, name }))))
        readable.add(repository);
    });
    return repositories.filter((repository) => readable.has(repository));
  }

  async #review({ user }: Caller, where: { namespace?: string; name?: string }): Promise<boolean> {
    const { username, groups, uid, extra } = user;
    const subject = { user: username, groups, ...(uid && { uid }), ...(extra && { extra }) };
    const attributes = { verb: "get", group: configGroup, resource: "repositories", subresource: "content", ...where };
    return (await accessReview(this.#client, subject, attributes)).allowed;
  }

  #grants({ token }: Caller, namespace: string): Promise<Grants> {
    const key = `${createHash("sha256").update(token).digest("base64")} ${namespace}`;
    const known = this.#cache.get(key);
    if (known && performance.now() < known.until) return known.grants;
    const entry = { grants: this.#ask(token, namespace), until: performance.now() + cacheMs };
    entry.grants.catch(() => this.#cache.delete(key));
    this.#cache.delete(key);
    this.#cache.set(key, entry);
    if (this.#cache.size > maxCached) this.#cache.delete(this.#cache.keys().next().value as string);
    return entry.grants;
  }

  async #ask(token: string, namespace: string): Promise<Grants> {
    const apiVersion = "authorization.k8s.io/v1";
    const response = await this.#client.as({ token }).raw({
      method: "POST",
      path: `/apis/${apiVersion}/selfsubjectrulesreviews`,
      body: { apiVersion, kind: "SelfSubjectRulesReview", spec: { namespace } },
      timeoutSeconds: 10,
    });
    const { status } = (await response.json()) as { status?: { resourceRules?: Rule[]; incomplete?: boolean } };
    return { ...grantsOf(status?.resourceRules ?? []), incomplete: status?.incomplete === true };
  }
}

/** What rules of RBAC say about `get repositories/content`. */
export function grantsOf(rules: readonly Rule[]): { all: boolean; names: Set<string> } {
  const names = new Set<string>();
  let all = false;
  for (const { verbs, apiGroups = [], resources = [], resourceNames = [] } of rules) {
    const applies =
      holds(verbs, "get") &&
      holds(apiGroups, configGroup) &&
      (holds(resources, "repositories/content") || resources.includes("*/content"));
    if (!applies) continue;
    if (resourceNames.length === 0) all = true;
    for (const name of resourceNames) names.add(name);
  }
  return { all, names };
}

function holds(values: readonly string[], value: string): boolean {
  return values.includes("*") || values.includes(value);
}

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}
