/**
 * One cluster, one set of webhooks and policies, two kinds alike: a custom resource that the real kube-apiserver admits, and a record that we
 * admit behind its aggregator. Nobody can tell from the answers which is which.
 */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { JsonObject } from "@krate/apimachinery";
import { eventually, skipWithout, startControlPlane } from "@krate/testing";
import { type Answer, type Asker, askerOf } from "../comparison/asker.ts";
import { type RealServer, realServer } from "../testing/real-server.ts";
import { type ReviewedRequest, type WebhookServer, webhookServer } from "../testing/webhook-server.ts";

// A control plane and a server.
jest.setTimeout(60_000);

const records = "forge.krate.a5c.ai";
const customs = "custom.example.com";
const groups = [customs, records] as const;
type Group = (typeof groups)[number];
const namespace = "acme";
const registration = "/apis/admissionregistration.k8s.io/v1";
const merge = "application/merge-patch+json";

const definition: JsonObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `issues.${customs}` },
  spec: {
    group: customs,
    scope: "Namespaced",
    names: { kind: "Issue", plural: "issues", singular: "issue", listKind: "IssueList" },
    versions: [
      {
        name: "v1alpha1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
              status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
            },
          },
        },
      },
    ],
  },
};

const issuesOf = (group: Group) => `/apis/${group}/v1alpha1/namespaces/${namespace}/issues`;
const issue = (group: Group, scenario: string, more: JsonObject = {}): JsonObject => ({
  apiVersion: `${group}/v1alpha1`,
  kind: "Issue",
  metadata: { name: scenario, namespace, labels: { scenario } },
  // `state` is what a record would default.
  spec: { organizationRef: "acme", title: "a title", state: "open", ...more },
});

interface Request {
  method: string;
  /** Behind the collection's path. */
  path?: string;
  body?: (group: Group) => JsonObject;
  contentType?: string;
}

interface Scenario {
  id: string;
  configuration: (target: Target) => Registered[];
  answer?: (request: ReviewedRequest) => JsonObject;
  requests?: Request[];
}

interface Target {
  clientConfig: JsonObject;
  service: JsonObject;
}

interface Registered {
  plural: string;
  kind: string;
  name: string;
  content: JsonObject;
}

const rule = {
  apiGroups: [...groups],
  apiVersions: ["v1alpha1"],
  operations: ["*"],
  resources: ["issues"],
};
const policyRule = { ...rule, operations: ["CREATE", "UPDATE"] };
const selector = (id: string) => ({ matchLabels: { scenario: id } });

const webhook = (
  id: string,
  type: "Validating" | "Mutating",
  clientConfig: JsonObject,
  more: JsonObject = {},
): Registered => ({
  plural: `${type.toLowerCase()}webhookconfigurations`,
  kind: `${type}WebhookConfiguration`,
  name: id,
  content: {
    webhooks: [
      {
        name: `${id}.example.com`,
        clientConfig,
        rules: [rule],
        objectSelector: selector(id),
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
        ...more,
      },
    ],
  },
});
const policy = (
  id: string,
  type: "Validating" | "Mutating",
  spec: JsonObject,
  binding: JsonObject = {},
): Registered[] => [
  {
    plural: `${type.toLowerCase()}admissionpolicies`,
    kind: `${type}AdmissionPolicy`,
    name: id,
    content: { spec: { matchConstraints: { resourceRules: [policyRule], objectSelector: selector(id) }, ...spec } },
  },
  {
    plural: `${type.toLowerCase()}admissionpolicybindings`,
    kind: `${type}AdmissionPolicyBinding`,
    name: id,
    content: { spec: { policyName: id, ...binding } },
  },
];

const create = (id: string, more: JsonObject = {}): Request => ({
  method: "POST",
  body: (group) => issue(group, id, more),
});
const deny = () => ({ allowed: false, status: { message: "no", reason: "Forbidden", code: 403 } });
const patchOf = (patch: JsonObject[]) => ({
  allowed: true,
  patchType: "JSONPatch",
  patch: Buffer.from(JSON.stringify(patch)).toString("base64"),
});

const scenarios: Scenario[] = [
  { id: "denied", configuration: ({ clientConfig }) => [webhook("denied", "Validating", clientConfig)], answer: deny },
  {
    id: "by-service",
    configuration: ({ service }) => [webhook("by-service", "Validating", service)],
    answer: deny,
  },
  {
    id: "warned",
    configuration: ({ clientConfig }) => [webhook("warned", "Validating", clientConfig)],
    answer: () => ({ allowed: true, warnings: ["mind the gap"] }),
    requests: [
      create("warned"),
      {
        method: "PATCH",
        path: "/warned?fieldManager=me",
        contentType: merge,
        body: () => ({ spec: { title: "another" } }),
      },
      { method: "DELETE", path: "/warned?propagationPolicy=Background" },
    ],
  },
  {
    id: "collection",
    configuration: ({ clientConfig }) => [webhook("collection", "Validating", clientConfig)],
    answer: ({ operation }) => (operation === "DELETE" ? deny() : { allowed: true }),
    requests: [create("collection"), { method: "DELETE", path: "?labelSelector=scenario%3Dcollection" }],
  },
  {
    id: "patched",
    configuration: ({ clientConfig }) => [webhook("patched", "Mutating", clientConfig)],
    answer: () => patchOf([{ op: "replace", path: "/spec/title", value: "patched" }]),
  },
  {
    id: "unreachable",
    configuration: ({ clientConfig }) => [
      webhook("unreachable", "Validating", { ...clientConfig, url: "https://127.0.0.1:1/" }),
    ],
  },
  {
    id: "ignored",
    configuration: ({ clientConfig }) => [
      webhook("ignored", "Validating", { ...clientConfig, url: "https://127.0.0.1:1/" }, { failurePolicy: "Ignore" }),
    ],
  },
  {
    id: "policy-denied",
    configuration: () =>
      policy(
        "policy-denied",
        "Validating",
        {
          validations: [
            { expression: "object.spec.title != 'a title'", messageExpression: "'not ' + object.spec.title" },
          ],
        },
        { validationActions: ["Deny"] },
      ),
  },
  {
    id: "policy-warned",
    configuration: () =>
      policy(
        "policy-warned",
        "Validating",
        { validations: [{ expression: "namespaceObject.metadata.name != 'acme'", message: "not in acme" }] },
        { validationActions: ["Warn"] },
      ),
  },
  {
    id: "policy-asks",
    configuration: () =>
      policy(
        "policy-asks",
        "Validating",
        {
          validations: [{ expression: "!authorizer.requestResource.check('delete').allowed()", message: "may delete" }],
        },
        { validationActions: ["Deny"] },
      ),
  },
  {
    id: "policy-params",
    configuration: () =>
      policy(
        "policy-params",
        "Validating",
        {
          paramKind: { apiVersion: "v1", kind: "ConfigMap" },
          validations: [{ expression: "size(object.spec.title) <= int(params.data.max)", message: "too long" }],
        },
        { validationActions: ["Deny"], paramRef: { name: "limits", namespace, parameterNotFoundAction: "Deny" } },
      ),
    requests: [create("policy-params"), create("policy-params", { title: "t" })],
  },
  {
    id: "policy-mutates",
    configuration: () =>
      policy("policy-mutates", "Mutating", {
        reinvocationPolicy: "Never",
        mutations: [
          {
            patchType: "JSONPatch",
            jsonPatch: {
              expression: "[JSONPatch{op: 'replace', path: '/spec/title', value: object.spec.title + '!'}]",
            },
          },
        ],
      }),
  },
];

skipWithout("envtest")("admission of a custom resource and of a record", () => {
  let plane: Awaited<ReturnType<typeof startControlPlane>>;
  let ours: RealServer;
  let receiver: WebhookServer;
  let asker: Asker;

  beforeAll(async () => {
    [plane, receiver] = await Promise.all([
      startControlPlane(),
      webhookServer(["127.0.0.1", "localhost", `hooks.${namespace}.svc`]),
    ]);
    receiver.answer(
      (request, path) => scenarios.find(({ id }) => path === `/${id}`)?.answer?.(request) ?? { allowed: true },
    );
    const { kubeconfig } = plane.info;
    ours = await realServer({
      KRATE_API_MODE: "aggregated",
      KUBECONFIG: kubeconfig,
      KRATE_APISERVICE_EXTERNAL_NAME: "localhost",
    });
    asker = askerOf(kubeconfig);
    await post("/api/v1/namespaces", { metadata: { name: namespace, labels: { "krate.a5c.ai/org": "acme" } } });
    await post(`/api/v1/namespaces/${namespace}/services`, {
      metadata: { name: "hooks" },
      spec: { type: "ExternalName", externalName: "localhost", ports: [{ port: receiver.port }] },
    });
    await post(`/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name: "limits" }, data: { max: "3" } });
    await post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
    for (const { id, configuration } of scenarios) {
      for (const { plural, kind, name, content } of configuration(targetOf(id))) {
        const body = { apiVersion: "admissionregistration.k8s.io/v1", kind, metadata: { name }, ...content };
        await post(`${registration}/${plural}`, body);
      }
    }
    await eventually(inForce, { timeoutSeconds: 60, description: "everything is in force on both sides" });
    receiver.requests.length = 0;
  }, 180_000);

  afterAll(async () => {
    asker.close();
    await ours.stop();
    await receiver.stop();
    await plane.stop();
  }, 30_000);

  const targetOf = (id: string): Target => ({
    clientConfig: { url: receiver.url(`/${id}`), caBundle: receiver.caBundle },
    service: {
      service: { namespace, name: "hooks", path: `/${id}`, port: receiver.port },
      caBundle: receiver.caBundle,
    },
  });

  async function post(path: string, body: JsonObject): Promise<void> {
    const answer = await asker.ask({ name: path, method: "POST", path, body });
    if (answer.status !== 201) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
  }

  /** Each scenario's configuration changes the outcome of a dry run, or calls the webhook. */
  async function inForce(): Promise<boolean> {
    for (const group of groups) {
      for (const { id } of scenarios.filter((each) => each.id !== "ignored")) {
        receiver.requests.length = 0;
        const body = issue(group, id);
        const {
          status,
          warnings,
          body: answer,
        } = await asker.ask({
          name: id,
          method: "POST",
          path: `${issuesOf(group)}?dryRun=All`,
          body,
        });
        const { title } = ((answer as JsonObject)["spec"] ?? {}) as { title?: string };
        const visible = status !== 201 || warnings.length > 0 || title !== "a title" || receiver.requests.length > 0;
        const isReady = ![404, 503].includes(status) && !JSON.stringify(answer).includes("no params found");
        if (!visible || !isReady) return false;
      }
    }
    return true;
  }

  async function run(group: Group, { id, requests = [create(id)] }: Scenario) {
    receiver.requests.length = 0;
    const answers: unknown[] = [];
    for (const { method, path = "", body, contentType } of requests) {
      const answer = await asker.ask({
        name: id,
        method,
        path: `${issuesOf(group)}${path}`,
        ...(body !== undefined && { body: body(group) }),
        ...(contentType !== undefined && { contentType }),
      });
      answers.push(shown(answer));
    }
    const reviews = receiver.requests.map(({ uid: _uid, object, oldObject, ...rest }) => ({
      ...rest,
      objects: [object, oldObject].map((each) => (each as JsonObject | null)?.["spec"] ?? null),
    }));
    return JSON.parse(JSON.stringify({ answers, reviews }).replaceAll(group, "<group>")) as unknown;
  }

  /** A Status whole; of an object what admission may have changed. */
  function shown({ status, warnings, body }: Answer): unknown {
    const object = body as JsonObject;
    const content =
      object["kind"] === "Issue" ? object["spec"] : object["kind"] === "IssueList" ? "list" : withoutUid(object);
    return { status, warnings, content };
  }

  function withoutUid(object: JsonObject): JsonObject {
    return JSON.parse(JSON.stringify(object).replace(/"uid":"[^"]*"/g, '"uid":""')) as JsonObject;
  }

  test.each(scenarios.map((scenario) => ({ ...scenario })))("$id", async (scenario) => {
    const custom = await run(customs, scenario);
    const record = await run(records, scenario);
    expect(record).toEqual(custom);
  });
});
