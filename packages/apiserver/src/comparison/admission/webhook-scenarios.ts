/** What webhooks may be configured to, and may answer. Each scenario is about Wheels with its own label. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { JsonObject, JsonValue } from "@krate/apimachinery";
import type { ReviewedRequest } from "../../testing/webhook-server.ts";
import type { Step } from "../step.ts";
import { group, namespace, run, wheel, wheels } from "./definition.ts";

export interface Scenario {
  /** Also the name of the object. */
  id: string;
  type: "validating" | "mutating";
  /** Over the usual entry; several are called in this order. */
  webhooks?: JsonObject[];
  /** `response` of an AdmissionReview without uid. @defaultValue allowed */
  answer?: (request: ReviewedRequest, index: number) => JsonObject;
  /** Instead of an AdmissionReview. */
  raw?: (request: IncomingMessage, response: ServerResponse) => void;
  /** @defaultValue a create */
  steps?: Omit<Step, "name">[];
  /** Only the status code is compared, for this reason. */
  statusOnly?: string;
  /** Only the answers are compared, not what webhooks are asked, for this reason. */
  answersOnly?: string;
  /** The status codes differ, for this reason. */
  decided?: { why: string; theirs: number; ours: number };
}

export const patchOf = (patch: JsonValue): JsonObject => ({
  allowed: true,
  patchType: "JSONPatch",
  patch: Buffer.from(JSON.stringify(patch)).toString("base64"),
});

const merge = "application/merge-patch+json";
const here = { matchLabels: { kind: "adm" } };
export const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
const denied: JsonObject = { allowed: false, status: { message: "no", reason: "Forbidden", code: 403 } };
const deny = () => denied;

export const create = (id: string, more: JsonObject = {}, query = ""): Omit<Step, "name"> => ({
  method: "POST",
  path: `${wheels}${query}`,
  body: wheel(id, more),
});
export const update = (id: string, patch: JsonObject, query = ""): Omit<Step, "name"> => ({
  method: "PATCH",
  path: `${wheels}/${id}${query}`,
  contentType: merge,
  body: patch,
});
export const remove = (id: string, query = "", body?: JsonObject): Omit<Step, "name"> => ({
  method: "DELETE",
  path: `${wheels}/${id}${query}`,
  ...(body !== undefined && { body }),
});

const html = (status: number, text: string, headers: Record<string, string> = {}) => ({
  raw: (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { "content-type": "text/html", ...headers });
    response.end(text);
  },
});
const review = (body: JsonValue, contentType = "application/json") => ({
  raw: (request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    response.writeHead(200, { "content-type": contentType });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  },
});
const decoder = "another decoder's words";

const validating: Omit<Scenario, "type">[] = [
  { id: "allowed" },
  { id: "denied", answer: deny },
  { id: "denied-plainly", answer: () => ({ allowed: false }) },
  { id: "denied-by-reason", answer: () => ({ allowed: false, status: { reason: "Conflict" } }) },
  { id: "denied-by-code", answer: () => ({ allowed: false, status: { code: 429 } }) },
  {
    id: "denied-with-success",
    answer: () => ({ allowed: false, status: { status: "Success", code: 200, message: "m" } }),
  },
  {
    id: "denied-with-details",
    answer: () => ({
      allowed: false,
      status: {
        message: "m",
        code: 422,
        reason: "Invalid",
        details: { name: "x", causes: [{ field: "spec.a", message: "b" }] },
      },
    }),
  },
  { id: "warns", answer: () => ({ allowed: true, warnings: ["mind the gap", 'with "quotes"'] }) },
  { id: "warns-and-denies", answer: () => ({ ...denied, warnings: ["told you"] }) },
  {
    id: "every-operation",
    steps: [
      create("every-operation"),
      update("every-operation", { spec: { size: 2 } }),
      {
        method: "PATCH",
        path: `${wheels}/every-operation/status`,
        contentType: merge,
        body: { status: { phase: "x" } },
      },
      remove("every-operation", "?propagationPolicy=Background"),
    ],
  },
  {
    id: "subresources-too",
    webhooks: [{ rules: [rule({ resources: ["wheels", "wheels/status"] })] }],
    steps: [
      create("subresources-too"),
      {
        method: "PATCH",
        path: `${wheels}/subresources-too/status`,
        contentType: merge,
        body: { status: { phase: "x" } },
      },
    ],
  },
  {
    id: "scaled",
    webhooks: [{ rules: [rule({ resources: ["wheels/scale"] })], objectSelector: {}, namespaceSelector: here }],
    answer: () => denied,
    steps: [
      create("scaled"),
      {
        method: "PUT",
        path: `${wheels}/scaled/scale`,
        body: {
          kind: "Scale",
          apiVersion: "autoscaling/v1",
          metadata: { name: "scaled", namespace },
          spec: { replicas: 3 },
        },
      },
      { method: "PATCH", path: `${wheels}/scaled/scale`, contentType: merge, body: { spec: { replicas: 4 } } },
    ],
  },
  {
    id: "token",
    answersOnly: "zero values of Go structs, and nobody owns the fields of what is not stored",
    webhooks: [
      {
        rules: [rule({ apiGroups: [""], resources: ["serviceaccounts/token"] })],
        objectSelector: {},
        namespaceSelector: here,
      },
    ],
    answer: () => denied,
    steps: [
      {
        method: "POST",
        path: `${accounts}/tokens/token`,
        body: {
          kind: "TokenRequest",
          apiVersion: "authentication.k8s.io/v1",
          spec: { audiences: ["x"], expirationSeconds: 3600 },
        },
      },
    ],
  },
  {
    id: "deleted-with-options",
    steps: [
      create("deleted-with-options"),
      remove("deleted-with-options", "", {
        kind: "DeleteOptions",
        apiVersion: "v1",
        gracePeriodSeconds: 0,
        propagationPolicy: "Background",
      }),
    ],
  },
  {
    id: "collection",
    answer: ({ operation }) => ({ allowed: true, warnings: [`a ${operation}`] }),
    steps: [create("collection"), { method: "DELETE", path: `${wheels}?labelSelector=scenario%3Dcollection` }],
  },
  {
    id: "collection-kept",
    answer: ({ operation }) => (operation === "DELETE" ? denied : { allowed: true }),
    steps: [
      create("collection-kept"),
      { method: "DELETE", path: `${wheels}?labelSelector=scenario%3Dcollection-kept` },
    ],
  },
  {
    id: "applied",
    steps: [
      {
        method: "PATCH",
        path: `${wheels}/applied?fieldManager=me&fieldValidation=Strict`,
        contentType: "application/apply-patch+yaml",
        body: wheel("applied"),
      },
      {
        method: "PATCH",
        path: `${wheels}/applied?fieldManager=me&force=true`,
        contentType: "application/apply-patch+yaml",
        body: wheel("applied", { spec: { color: "blue" } }),
      },
    ],
  },
  { id: "dry-run", steps: [create("dry-run", {}, "?dryRun=All")] },
  {
    id: "dry-run-side-effects",
    webhooks: [{ sideEffects: "NoneOnDryRun" }],
    steps: [create("dry-run-side-effects", {}, "?dryRun=All")],
  },
  {
    id: "generated",
    steps: [
      create(
        "generated",
        { metadata: { generateName: "generated-", labels: { scenario: "generated" } } },
        "?dryRun=All",
      ),
    ],
  },
  { id: "v1beta1", webhooks: [{ admissionReviewVersions: ["v1beta1", "v1"] }], answer: deny },
  { id: "unknown-version-first", webhooks: [{ admissionReviewVersions: ["v9", "v1"] }], answer: deny },
  {
    id: "equivalent",
    webhooks: [{ rules: [rule({ apiVersions: ["v2"] })], matchPolicy: "Equivalent" }],
    answer: deny,
  },
  { id: "exact", webhooks: [{ rules: [rule({ apiVersions: ["v2"] })], matchPolicy: "Exact" }], answer: deny },
  { id: "cluster-scope-only", webhooks: [{ rules: [rule({ scope: "Cluster" })] }], answer: deny },
  { id: "namespaced-scope", webhooks: [{ rules: [rule({ scope: "Namespaced" })] }], answer: deny },
  {
    id: "everything",
    webhooks: [{ rules: [rule({ apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"] })] }],
    answer: deny,
  },
  { id: "namespace-labelled", webhooks: [{ namespaceSelector: { matchLabels: { kind: "adm" } } }], answer: deny },
  {
    id: "namespace-not-labelled",
    webhooks: [{ namespaceSelector: { matchExpressions: [{ key: "kind", operator: "NotIn", values: ["adm"] }] } }],
    answer: deny,
  },
  {
    id: "condition-holds",
    webhooks: [conditions("object.spec.color == 'red'", "request.operation == 'CREATE'")],
    answer: deny,
  },
  { id: "condition-does-not-hold", webhooks: [conditions("object.spec.color == 'blue'")], answer: deny },
  { id: "condition-fails", webhooks: [conditions("object.spec.missing == 'x'")] },
  { id: "conditions-fail", webhooks: [conditions("object.spec.missing == 'x'", "object.spec.gone == 1")] },
  {
    id: "condition-fails-ignored",
    webhooks: [{ ...conditions("object.spec.missing == 'x'"), failurePolicy: "Ignore" }],
    answer: deny,
  },
  { id: "condition-fails-and-false", webhooks: [conditions("object.spec.missing == 'x'", "false")], answer: deny },
  {
    id: "condition-asks",
    webhooks: [
      conditions(`authorizer.group('${group}').resource('wheels').namespace('${namespace}').check('delete').allowed()`),
    ],
    answer: deny,
  },
  { id: "wrong-uid", answer: () => ({ allowed: true, uid: "nobody" }), statusOnly: "the uid is in the message" },
  { id: "patches-though-validating", answer: () => patchOf([{ op: "add", path: "/spec/size", value: 3 }]) },
  { id: "patch-type-though-validating", answer: () => ({ allowed: true, patchType: "JSONPatch" }) },
  { id: "no-response", ...review({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" }) },
  { id: "another-kind", ...review({ apiVersion: "v1", kind: "ConfigMap" }), statusOnly: decoder },
  { id: "not-json", ...review("{"), statusOnly: decoder },
  { id: "a-list", ...review([]), statusOnly: decoder },
  { id: "empty", ...review("") },
  { id: "of-another-type", ...review("hello", "text/plain"), statusOnly: decoder },
  { id: "http-404", ...html(404, "nothing here") },
  { id: "http-403", ...html(403, "go away") },
  { id: "http-500", ...html(500, "  broken <b>  ") },
  { id: "http-502", ...html(502, "bad gateway") },
  { id: "http-400", ...html(400, "bad") },
  { id: "http-418", ...html(418, "teapot") },
  { id: "http-409", ...html(409, "conflict") },
  { id: "http-500-ignored", ...html(500, "broken"), webhooks: [{ failurePolicy: "Ignore" }] },
  { id: "hangs-up", raw: (request: IncomingMessage) => void request.socket.destroy() },
  { id: "never-answers", webhooks: [{ timeoutSeconds: 1 }], raw: () => {} },
  { id: "never-answers-ignored", webhooks: [{ timeoutSeconds: 1, failurePolicy: "Ignore" }], raw: () => {} },
];

const mutating: Omit<Scenario, "type">[] = [
  { id: "untouched" },
  { id: "m-denied", answer: deny },
  { id: "patched", answer: () => patchOf([{ op: "replace", path: "/spec/color", value: "blue" }]) },
  { id: "patched-labels", answer: () => patchOf([{ op: "add", path: "/metadata/labels/added", value: "yes" }]) },
  {
    id: "patched-by-two",
    webhooks: [{}, {}],
    answer: (_request, index) => patchOf([{ op: "add", path: `/metadata/labels/by${index}`, value: "yes" }]),
  },
  {
    id: "reinvoked",
    webhooks: [{ reinvocationPolicy: "IfNeeded" }, {}],
    answer: (_request, index) =>
      index === 0 ? { allowed: true } : patchOf([{ op: "add", path: "/metadata/labels/second", value: "yes" }]),
  },
  {
    id: "both-reinvoked",
    webhooks: [{ reinvocationPolicy: "IfNeeded" }, { reinvocationPolicy: "IfNeeded" }],
    answer: (_request, index) => patchOf([{ op: "add", path: `/metadata/labels/by${index}`, value: "yes" }]),
  },
  {
    id: "reinvoked-and-patches-again",
    webhooks: [{ reinvocationPolicy: "IfNeeded" }, { reinvocationPolicy: "IfNeeded" }],
    answer: (request, index) => {
      const { spec } = request["object"] as { spec: { size: number } };
      return patchOf([{ op: "replace", path: "/spec/size", value: spec.size + index + 1 }]);
    },
  },
  {
    id: "patched-to-equivalent",
    webhooks: [{ rules: [rule({ apiVersions: ["v2"] })] }],
    answer: () => patchOf([{ op: "replace", path: "/spec/size", value: 7 }]),
  },
  { id: "patch-is-empty", answer: () => patchOf([]) },
  { id: "patch-does-not-fit", answer: () => patchOf([{ op: "remove", path: "/spec/missing" }]), statusOnly: decoder },
  {
    id: "patch-test-fails",
    answer: () => patchOf([{ op: "test", path: "/spec/color", value: "x" }]),
    statusOnly: decoder,
  },
  { id: "patch-is-an-object", answer: () => patchOf({ op: "remove" }), statusOnly: decoder },
  { id: "patch-without-type", answer: () => ({ allowed: true, patch: "W10=" }) },
  { id: "type-without-patch", answer: () => ({ allowed: true, patchType: "JSONPatch" }) },
  {
    id: "patch-of-unknown-type",
    answer: () => ({ ...patchOf([{ op: "add", path: "/spec/size", value: 1 }]), patchType: "Strange" }),
  },
  { id: "patch-of-empty-type", answer: () => ({ ...patchOf([]), patchType: "" }) },
  { id: "breaks-the-schema", answer: () => patchOf([{ op: "replace", path: "/spec/color", value: "green" }]) },
  { id: "unknown-field", answer: () => patchOf([{ op: "add", path: "/spec/unknown", value: 1 }]) },
  { id: "removes-a-default", answer: () => patchOf([{ op: "remove", path: "/spec/size" }]) },
  {
    id: "renames",
    answer: () => patchOf([{ op: "replace", path: "/metadata/name", value: "renamed" }]),
    steps: [create("renames", {}, "?dryRun=All")],
  },
  {
    id: "another-namespace",
    answer: () => patchOf([{ op: "replace", path: "/metadata/namespace", value: "default" }]),
  },
  {
    id: "changes-the-kind",
    answer: () => patchOf([{ op: "replace", path: "/kind", value: "Other" }]),
    statusOnly: decoder,
  },
  {
    id: "changes-the-version",
    answer: () => patchOf([{ op: "replace", path: "/apiVersion", value: "v9" }]),
    decided: { why: "it is not our fault", theirs: 500, ours: 422 },
  },
  ...(["name", "namespace", "uid", "creationTimestamp", "resourceVersion"] as const).map((field) => ({
    id: `update-${field.toLowerCase()}`,
    answer: ({ operation }: ReviewedRequest) =>
      operation === "UPDATE"
        ? patchOf([
            {
              op: "replace",
              path: `/metadata/${field}`,
              value: field === "creationTimestamp" ? "2020-01-01T00:00:00Z" : "1",
            },
          ])
        : { allowed: true },
    steps: [create(`update-${field.toLowerCase()}`), update(`update-${field.toLowerCase()}`, { spec: { size: 3 } })],
  })),
  {
    id: "breaks-managed-fields",
    answer: () => patchOf([{ op: "add", path: "/metadata/managedFields", value: [{ manager: "x" }] }]),
  },
  {
    id: "patches-a-delete",
    answer: ({ operation }) =>
      operation === "DELETE" ? patchOf([{ op: "add", path: "/spec/size", value: 1 }]) : { allowed: true },
    steps: [create("patches-a-delete"), remove("patches-a-delete")],
  },
  {
    id: "patches-status",
    webhooks: [{ rules: [rule({ resources: ["wheels/status"] })] }],
    answer: () =>
      patchOf([
        { op: "replace", path: "/spec/size", value: 9 },
        { op: "replace", path: "/status/phase", value: "patched" },
      ]),
    steps: [
      create("patches-status"),
      {
        method: "PATCH",
        path: `${wheels}/patches-status/status`,
        contentType: merge,
        body: { status: { phase: "x" } },
      },
    ],
  },
  {
    id: "puts-back",
    answer: ({ operation }) =>
      operation === "UPDATE" ? patchOf([{ op: "replace", path: "/spec/size", value: 1 }]) : { allowed: true },
    steps: [create("puts-back"), update("puts-back", { spec: { size: 5 } })],
  },
];

function rule(more: JsonObject): JsonObject {
  return { apiGroups: [group], apiVersions: ["v1"], operations: ["*"], resources: ["wheels"], ...more };
}

function conditions(...expressions: string[]): JsonObject {
  return { matchConditions: expressions.map((expression, index) => ({ name: `c${index}`, expression })) };
}

export const scenarios: readonly Scenario[] = [
  ...validating.map((each) => ({ ...each, type: "validating" as const })),
  ...mutating.map((each) => ({ ...each, type: "mutating" as const })),
];

export function configurationName(id: string): string {
  return `${id}.${run}`;
}

/** The configuration of a scenario; webhook `index` is at `<url>/<id>/<index>`. A second entry tells when it is in force. */
export function configurationOf(
  { id, type, webhooks = [{}] }: Scenario,
  { url, caBundle }: { url: string; caBundle: string },
): JsonObject {
  const common = {
    rules: [rule({})],
    objectSelector: { matchLabels: { scenario: id } },
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
  };
  const entries = webhooks.map((more, index) => ({
    ...common,
    name: `hook${index}.${id}.example.com`,
    clientConfig: { url: `${url}/${id}/${index}`, caBundle },
    ...more,
  }));
  const probe = {
    ...common,
    name: `probe.${id}.example.com`,
    clientConfig: { url: `${url}/probe/0`, caBundle },
    objectSelector: { matchLabels: { probe: id } },
  };
  const kind = type === "validating" ? "ValidatingWebhookConfiguration" : "MutatingWebhookConfiguration";
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name: configurationName(id) },
    webhooks: [...entries, probe],
  };
}
