/**
 * RBAC as an index: subject → bindings → compiled rules. Rebuilt at most once per request after roles or bindings changed; decisions
 * are remembered until then.
 */
import { dig, isObject, type JsonObject } from "@krate/apimachinery";
import type { UserInfo } from "../context.ts";
import { metadataOf, nameOf, namespaceOf, textOf } from "../objects.ts";
import type { AuthorizationAttributes, AuthorizationDecision, Authorizer } from "../services.ts";
import { allows, type CompiledRule, compileRule, type PolicyRule, rulesOf } from "./rules.ts";

export interface RbacSource {
  clusterRoles(): readonly JsonObject[];
  roles(): readonly JsonObject[];
  clusterRoleBindings(): readonly JsonObject[];
  roleBindings(): readonly JsonObject[];
}

interface Grant {
  /** `""` everywhere. */
  namespace: string;
  role: string;
  binding: string;
  rules: readonly CompiledRule[];
}

interface Index {
  users: Map<string, Grant[]>;
  groups: Map<string, Grant[]>;
}

const maxDecisions = 20_000;
const superGroup = "system:masters";
const noGrants: readonly Grant[] = [];

export class RbacAuthorizer implements Authorizer {
  readonly #source: RbacSource;
  #index: Index | undefined;
  readonly #decisions = new Map<string, AuthorizationDecision>();

  constructor(source: RbacSource) {
    this.#source = source;
  }

  /** Roles or bindings changed. */
  invalidate(): void {
    this.#index = undefined;
    this.#decisions.clear();
  }

  authorize(attributes: AuthorizationAttributes): AuthorizationDecision {
    if (attributes.user.groups.includes(superGroup)) return { allowed: true };
    const key = decisionKey(attributes);
    const known = this.#decisions.get(key);
    if (known !== undefined) return known;
    const decision = this.#decide(attributes);
    if (this.#decisions.size >= maxDecisions) this.#decisions.clear();
    this.#decisions.set(key, decision);
    return decision;
  }

  #decide(attributes: AuthorizationAttributes): AuthorizationDecision {
    for (const grant of this.#grantsOf(attributes.user)) {
      if (grant.namespace !== "" && grant.namespace !== attributes.namespace) continue;
      if (grant.rules.some((rule) => allows(rule, attributes))) {
        return { allowed: true, reason: `RBAC: allowed by ${grant.binding} of ${grant.role}` };
      }
    }
    return { allowed: false };
  }

  /** Everything a user may do in a namespace (`""`: cluster-wide only). */
  rulesFor(user: UserInfo, namespace: string): PolicyRule[] {
    if (user.groups.includes(superGroup)) {
      return [
        { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
        { verbs: ["*"], nonResourceURLs: ["*"] },
      ];
    }
    const rules: PolicyRule[] = [];
    for (const grant of this.#grantsOf(user)) {
      if (grant.namespace !== "" && grant.namespace !== namespace) continue;
      rules.push(...grant.rules.map((rule) => rule.source));
    }
    return rules;
  }

  *#grantsOf(user: UserInfo): Iterable<Grant> {
    this.#index ??= buildIndex(this.#source);
    yield* this.#index.users.get(user.name) ?? noGrants;
    for (const group of user.groups) yield* this.#index.groups.get(group) ?? noGrants;
  }
}

function decisionKey({
  user,
  verb,
  group,
  resource,
  subresource,
  namespace,
  name,
  path,
}: AuthorizationAttributes): string {
  return JSON.stringify([user.name, user.groups, verb, group, resource, subresource, namespace, name, path]);
}

function buildIndex(source: RbacSource): Index {
  const rules = new Map<string, CompiledRule[]>();
  for (const role of source.clusterRoles()) rules.set(`ClusterRole//${nameOf(role)}`, rulesOf(role).map(compileRule));
  for (const role of source.roles()) {
    rules.set(`Role/${namespaceOf(role)}/${nameOf(role)}`, rulesOf(role).map(compileRule));
  }
  const index: Index = { users: new Map(), groups: new Map() };
  for (const binding of source.clusterRoleBindings()) addBinding(index, rules, binding, "");
  for (const binding of source.roleBindings()) addBinding(index, rules, binding, namespaceOf(binding));
  return index;
}

function addBinding(index: Index, rules: Map<string, CompiledRule[]>, binding: JsonObject, namespace: string): void {
  const kind = textOf(dig(binding, "roleRef", "kind"));
  const name = textOf(dig(binding, "roleRef", "name"));
  const found = rules.get(kind === "ClusterRole" ? `ClusterRole//${name}` : `Role/${namespace}/${name}`);
  if (found === undefined) return;
  const where = namespace === "" ? "ClusterRoleBinding" : "RoleBinding";
  const grant: Grant = {
    namespace,
    rules: found,
    role: `${kind} ${JSON.stringify(name)}`,
    binding: `${where} ${JSON.stringify(textOf(metadataOf(binding)["name"]))}`,
  };
  const { subjects } = binding;
  for (const subject of Array.isArray(subjects) ? subjects.filter(isObject) : []) {
    const subjectName = textOf(subject["name"]);
    if (subject["kind"] === "Group") add(index.groups, subjectName, grant);
    else if (subject["kind"] === "User") add(index.users, subjectName, grant);
    else {
      const subjectNamespace = textOf(subject["namespace"]) || namespace;
      add(index.users, `system:serviceaccount:${subjectNamespace}:${subjectName}`, grant);
    }
  }
}

function add(map: Map<string, Grant[]>, key: string, grant: Grant): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [grant]);
  else known.push(grant);
}
