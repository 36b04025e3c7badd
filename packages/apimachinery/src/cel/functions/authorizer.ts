/**
 * The `authorizer` variable: `authorizer.group('apps').resource('deployments').namespace('x').check('create').allowed()`.
 *
 * Whether something is allowed may have to be asked of another server, and an expression cannot wait. So a check that is not known yet ends the run
 * with a question; `runWithAuthorizer` finds the answer and runs the expression again, which then knows it.
 *
 * Source: https://pkg.go.dev/k8s.io/apiserver/pkg/cel/library#Authz
 */
import { checkDns1123Label, checkDns1123Subdomain } from "../../schema/names.ts";
import { CelError } from "../issues.ts";
import { noSuchOverload } from "../operators.ts";
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

  /** Authorizers and what is made of them have no equality. */
  override equals(): boolean {
    throw noSuchOverload();
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

function forPath(value: Authorizer, text: string): Authorizer {
  if (text === "") throw new CelError("path must not be empty");
  return value.with(path, { path: text });
}

function forResource(value: Authorizer, text: string): Authorizer {
  if (text === "") throw new CelError("resource must not be empty");
  return value.with(resource, { resource: text });
}

function forServiceAccount(value: Authorizer, namespace: string, name: string): Authorizer {
  if (checkDns1123Subdomain(name).length > 0) throw new CelError("Invalid service account name");
  if (checkDns1123Label(namespace).length > 0) throw new CelError("Invalid service account namespace");
  return value.with(authorizer, { serviceAccount: { namespace, name } });
}

const { authorizer, path, group, resource, decision } = names;

export const authorizerTypeName = authorizer;
export const resourceCheckTypeName = resource;

export const authorizerFunctions: readonly Overload[] = [
  overload(`${authorizer}.path(string): ${path}`, forPath),
  overload(`${authorizer}.group(string): ${group}`, (value: Authorizer, text: string) =>
    value.with(group, { group: text }),
  ),
  overload(`${authorizer}.serviceAccount(string, string): ${authorizer}`, forServiceAccount),
  overload(`${group}.resource(string): ${resource}`, forResource),
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
  overload(`${path}.check(string): ${decision}`, decide),
  overload(`${resource}.check(string): ${decision}`, decide),
  overload(`${decision}.allowed(): bool`, (value: Decision) => value.decision.allowed),
  overload(`${decision}.reason(): string`, (value: Decision) => value.decision.reason ?? ""),
  overload(`${decision}.errored(): bool`, (value: Decision) => value.decision.error !== undefined),
  overload(`${decision}.error(): string`, (value: Decision) => value.decision.error ?? ""),
];
