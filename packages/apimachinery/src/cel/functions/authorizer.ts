/**
 * The `authorizer` variable: `authorizer.group('apps').resource('deployments').namespace('x').check('create').allowed()`.
 *
 * Whether something is allowed may have to be asked of another server, and an expression cannot wait. So a check that is not known yet ends the run
 * with a question; `runWithAuthorizer` finds the answer and runs the expression again, which then knows it.
 *
 * Source: https://pkg.go.dev/k8s.io/apiserver/pkg/cel/library#Authz
 */
import type { Value } from "../values.ts";
import { Opaque } from "../values.ts";
import type { Overload } from "./overload.ts";
import { overload } from "./overload.ts";

/** One question to an authorizer. */
export interface AccessCheck {
  verb: string;
  /** Set for paths that are no resources. */
  path?: string;
  group: string;
  version: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  fieldSelector?: string;
  labelSelector?: string;
  /** Asks about this service account instead of the user of the request. */
  serviceAccount?: { namespace: string; name: string };
}

export interface AccessDecision {
  allowed: boolean;
  reason?: string;
  error?: string;
}

/** Ends a run: the answer to this question is needed. Nothing absorbs it. */
export class AccessQuestion extends Error {
  readonly check: AccessCheck;

  constructor(check: AccessCheck) {
    super("an access check has to be answered first");
    this.name = "AccessQuestion";
    this.check = check;
  }
}

export type KnownAnswer = (check: AccessCheck) => AccessDecision | undefined;

const names = {
  authorizer: "kubernetes.authorization.Authorizer",
  path: "kubernetes.authorization.PathCheck",
  group: "kubernetes.authorization.GroupCheck",
  resource: "kubernetes.authorization.ResourceCheck",
  decision: "kubernetes.authorization.Decision",
} as const;

class Authorizer extends Opaque {
  readonly typeName: string;
  readonly answer: KnownAnswer;
  readonly check: AccessCheck;
  readonly requestResource: Authorizer | undefined;

  constructor(typeName: string, answer: KnownAnswer, check: AccessCheck, requestResource?: Authorizer) {
    super();
    this.typeName = typeName;
    this.answer = answer;
    this.check = check;
    this.requestResource = requestResource;
  }

  override select(name: string): Value | undefined {
    return name === "requestResource" && this.typeName === names.authorizer ? this.requestResource : undefined;
  }

  with(typeName: string, more: Partial<AccessCheck>): Authorizer {
    return new Authorizer(typeName, this.answer, { ...this.check, ...more });
  }
}

class Decision extends Opaque {
  readonly typeName = names.decision;
  readonly decision: AccessDecision;

  constructor(decision: AccessDecision) {
    super();
    this.decision = decision;
  }
}

const empty: AccessCheck = {
  verb: "",
  group: "",
  version: "*",
  resource: "",
  subresource: "",
  namespace: "",
  name: "",
};

/** The value of the variable `authorizer`; `requestResource` is what the request is about. */
export function authorizerValue(answer: KnownAnswer, requestResource?: Partial<AccessCheck>): Value {
  const resource = requestResource && new Authorizer(names.resource, answer, { ...empty, ...requestResource });
  return new Authorizer(names.authorizer, answer, empty, resource);
}

function decide(authorizer: Authorizer, verb: string): Decision {
  const check = { ...authorizer.check, verb };
  const decision = authorizer.answer(check);
  if (decision === undefined) throw new AccessQuestion(check);
  return new Decision(decision);
}

/** kube-apiserver charges a check a third of what a whole expression may cost. */
const checkCost = () => 350_000;

const { authorizer, path, group, resource, decision } = names;

export const authorizerTypeName = authorizer;
export const resourceCheckTypeName = resource;

export const authorizerFunctions: readonly Overload[] = [
  overload(`${authorizer}.path(string): ${path}`, (value: Authorizer, text: string) =>
    value.with(path, { path: text }),
  ),
  overload(`${authorizer}.group(string): ${group}`, (value: Authorizer, text: string) =>
    value.with(group, { group: text }),
  ),
  overload(
    `${authorizer}.serviceAccount(string, string): ${authorizer}`,
    (value: Authorizer, namespace: string, name: string) =>
      value.with(authorizer, { serviceAccount: { namespace, name } }),
  ),
  overload(`${group}.resource(string): ${resource}`, (value: Authorizer, text: string) =>
    value.with(resource, { resource: text }),
  ),
  overload(`${resource}.subresource(string): ${resource}`, (value: Authorizer, text: string) =>
    value.with(resource, { subresource: text }),
  ),
  overload(`${resource}.namespace(string): ${resource}`, (value: Authorizer, text: string) =>
    value.with(resource, { namespace: text }),
  ),
  overload(`${resource}.name(string): ${resource}`, (value: Authorizer, text: string) =>
    value.with(resource, { name: text }),
  ),
  overload(`${resource}.fieldSelector(string): ${resource}`, (value: Authorizer, text: string) =>
    value.with(resource, { fieldSelector: text }),
  ),
  overload(`${resource}.labelSelector(string): ${resource}`, (value: Authorizer, text: string) =>
    value.with(resource, { labelSelector: text }),
  ),
  overload(`${path}.check(string): ${decision}`, decide, checkCost),
  overload(`${resource}.check(string): ${decision}`, decide, checkCost),
  overload(`${decision}.allowed(): bool`, (value: Decision) => value.decision.allowed),
  overload(`${decision}.reason(): string`, (value: Decision) => value.decision.reason ?? ""),
  overload(`${decision}.errored(): bool`, (value: Decision) => value.decision.error !== undefined),
  overload(`${decision}.error(): string`, (value: Decision) => value.decision.error ?? ""),
];
