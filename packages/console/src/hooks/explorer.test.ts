import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import type { KubernetesObject } from "@krate/kinds";
import { parseAllDocuments } from "yaml";
import { type Contents, entriesOf, hooksOf, named, repository } from "./explorer.fixture.ts";
import type { SourceRow } from "./hook-rows.ts";
import { hookSources } from "./sources.ts";
import { policyTemplates, refPolicyTemplates, webhookTemplates } from "./templates.ts";

const example = (file: string) =>
  parseAllDocuments(readFileSync(new URL(`../../../../examples/policies/${file}`, import.meta.url), "utf8")).map(
    (document) => document.toJS() as KubernetesObject,
  );

test("the policy of the MVP demo is one row, with what it tells people", () => {
  expect(hooksOf({ kyvernoClusterPolicies: example("kyverno-pr-policy.yaml") })).toEqual([
    {
      type: "hook",
      layer: "admission",
      name: "require-pr-description",
      uid: "clusterpolicies.kyverno.io//require-pr-description/",
      createdAt: "",
      object: { kind: "ClusterPolicy", resource: "clusterpolicies.kyverno.io", name: "require-pr-description" },
      engine: "Kyverno",
      mode: "enforce",
      what: "Judges PullRequest (create, update).",
      about: ["PullRequest"],
      onlyWhen: [],
      messages: ["has-a-description: a pull request needs a description that says why; set spec.body"],
    },
  ]);
});

test("Kyverno's preconditions and its policies in CEL are told as conditions", () => {
  const [wip] = hooksOf({ kyvernoClusterPolicies: example("kyverno-block-wip-merges.yaml") });
  const [approval] = hooksOf({ kyvernoValidating: example("kyverno-require-approval.yaml") });
  expect([wip, approval].map((row) => ({ what: row?.what, onlyWhen: row?.onlyWhen, mode: row?.mode }))).toEqual([
    {
      what: "Judges PullRequest (update).",
      onlyWhen: ["the preconditions of rule not-work-in-progress hold"],
      mode: "enforce",
    },
    { what: "Judges PullRequest (update).", onlyWhen: ["condition merge-requested holds"], mode: "enforce" },
  ]);
});

const [policy, binding] = example("require-pr-description.yaml") as [KubernetesObject, KubernetesObject];
const bound = (spec: object) => ({ ...binding, spec: { policyName: "require-pr-description", ...spec } });

test.each<{ reason: string; contents: Contents; mode: string | undefined; problem?: string }>([
  {
    reason: "a binding that denies enforces",
    contents: { validatingBindings: [bound({ validationActions: ["Deny"] })] },
    mode: "enforce",
  },
  {
    reason: "bindings that warn and audit do not refuse",
    contents: { validatingBindings: [bound({ validationActions: ["Warn", "Audit"] })] },
    mode: "audit",
  },
  {
    reason: "of two bindings the one for another namespace does not count",
    contents: {
      validatingBindings: [
        bound({ validationActions: ["Audit"] }),
        bound({
          validationActions: ["Deny"],
          matchResources: { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "prod" } } },
        }),
      ],
    },
    mode: "audit",
  },
  {
    reason: "the only binding is for another namespace: the policy does not affect this repository",
    contents: {
      validatingBindings: [
        bound({
          validationActions: ["Deny"],
          matchResources: { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "prod" } } },
        }),
      ],
    },
    mode: undefined,
  },
  {
    reason: "without a binding it judges nothing",
    contents: {},
    mode: "off",
    problem: "No binding names it, so it judges nothing.",
  },
  {
    reason: "bindings that may not be listed leave it open",
    contents: { validatingBindings: { state: "forbidden" } },
    mode: "unknown",
    problem: "You may not list its bindings, so whether it is enforced is not known.",
  },
])("a ValidatingAdmissionPolicy: $reason", ({ contents, mode, problem }) => {
  const [row] = hooksOf({ validatingPolicies: [policy], ...contents });
  expect(row && { mode: row.mode, problem: row.problem, messages: row.messages }).toEqual(
    mode && {
      mode,
      problem,
      messages: ["a pull request needs a description of at least 20 characters before it is merged; set spec.body"],
    },
  );
});

const match = { any: [{ resources: { kinds: ["PullRequest"] } }] };

test.each<{ reason: string; spec: object; status?: object; mode: string; problem?: string }>([
  { reason: "nobody says: audit", spec: { rules: [{ name: "r", match, validate: { message: "m" } }] }, mode: "audit" },
  {
    reason: "the policy's old field says enforce",
    spec: { validationFailureAction: "enforce", rules: [{ name: "r", match, validate: { message: "m" } }] },
    mode: "enforce",
  },
  {
    reason: "the rule's own action wins over the policy's",
    spec: {
      validationFailureAction: "Enforce",
      rules: [{ name: "r", match, validate: { message: "m", failureAction: "Audit" } }],
    },
    mode: "audit",
  },
  {
    reason: "an override for this namespace wins",
    spec: {
      rules: [
        {
          name: "r",
          match,
          validate: {
            message: "m",
            failureAction: "Audit",
            failureActionOverrides: [{ action: "Enforce", namespaces: ["krate-org-*"] }],
          },
        },
      ],
    },
    mode: "enforce",
  },
  {
    reason: "a rule for other kinds does not make it enforce",
    spec: {
      rules: [
        { name: "r", match, validate: { message: "m" } },
        { name: "s", match: { resources: { kinds: ["Pod"] } }, validate: { failureAction: "Enforce" } },
      ],
    },
    mode: "audit",
  },
  { reason: "it changes objects", spec: { rules: [{ name: "r", match, mutate: {} }] }, mode: "mutate" },
  {
    reason: "it does not take part in admission",
    spec: { admission: false, rules: [{ name: "r", match, validate: { failureAction: "Enforce" } }] },
    mode: "off",
  },
  {
    reason: "Kyverno could not take it up",
    spec: { rules: [{ name: "r", match, validate: { failureAction: "Enforce" } }] },
    status: { conditions: [{ type: "Ready", status: "False", message: "no webhook yet" }] },
    mode: "enforce",
    problem: "Kyverno is not ready to apply it. no webhook yet",
  },
])("a ClusterPolicy: $reason", ({ spec, status, mode, problem }) => {
  const [row] = hooksOf({ kyvernoClusterPolicies: [named("p", { spec, status })] });
  expect({ mode: row?.mode, problem: row?.problem }).toEqual({ mode, problem });
});

test("a webhook is told with whom it asks, and what happens when nobody answers", () => {
  const rules = [
    { apiGroups: ["*"], apiVersions: ["*"], resources: ["issues"], operations: ["CREATE"], scope: "Namespaced" },
  ];
  const configuration = named("checks", {
    webhooks: [
      { name: "a.example.org", rules, clientConfig: { service: { namespace: "checks", name: "judge" } } },
      { name: "b.example.org", rules, failurePolicy: "Ignore", clientConfig: { url: "https://b.example.org/path" } },
      { name: "c.example.org", clientConfig: { url: "https://c.example.org" } },
      { name: "d.example.org", rules: [{ ...rules[0], resources: ["pods"] }], clientConfig: {} },
    ],
  });
  expect(
    hooksOf({ validatingWebhooks: [configuration], mutatingWebhooks: [configuration] }).map(({ name, mode, what }) => ({
      name,
      mode,
      what,
    })),
  ).toEqual(
    ["enforce", "mutate"].flatMap((mode) => [
      {
        name: "a.example.org",
        mode,
        what: "Asks service checks/judge about Issue (create); when it does not answer, the request is refused.",
      },
      {
        name: "b.example.org",
        mode,
        what: "Asks b.example.org about Issue (create); when it does not answer, the request passes.",
      },
    ]),
  );
});

test("a webhook's address is shown without its path, and its health as the dispatcher sees it", () => {
  const subscription = (name: string, spec: object, status: object) =>
    named(name, {
      spec: { organizationRef: "demo", url: "https://hooks.slack.com/services/T0/secret", events: ["push"], ...spec },
      status,
    });
  const rows = hooksOf({
    subscriptions: [
      subscription("healthy", {}, { phase: "Active" }),
      subscription("broken", { repository: "shop" }, { phase: "Failing", failedLastHour: 12 }),
      subscription("paused", { active: false }, { phase: "Active" }),
      subscription("others", { repository: "other" }, { phase: "Active" }),
      subscription(
        "refused",
        { filter: { refs: ["refs/heads/main"] } },
        {
          phase: "Disabled",
          conditions: [{ type: "EndpointAllowed", status: "False", message: "a private address" }],
        },
      ),
    ],
  });
  expect(JSON.stringify(rows)).not.toContain("secret");
  expect(rows.map(({ name, mode, count, problem, onlyWhen }) => ({ name, mode, count, problem, onlyWhen }))).toEqual([
    { name: "healthy", mode: "active", count: undefined, problem: undefined, onlyWhen: [] },
    { name: "broken", mode: "failing", count: "12 failed in the last hour", problem: undefined, onlyWhen: [] },
    { name: "paused", mode: "off", count: undefined, problem: undefined, onlyWhen: [] },
    {
      name: "refused",
      mode: "off",
      count: undefined,
      problem: "a private address",
      onlyWhen: ["the ref is refs/heads/main"],
    },
  ]);
});

test("every source is told, with why it cannot be read", () => {
  const message = 'User "alice" cannot list resource "clusterpolicies"';
  const sources = entriesOf({
    kyvernoClusterPolicies: { state: "forbidden", message },
    kyvernoPolicies: { state: "absent" },
    refusals: { truncated: true },
  }).filter((entry): entry is SourceRow => entry.type === "source");
  expect(sources).toHaveLength(Object.keys(hookSources).length);
  expect(
    sources
      .filter(({ state, message: text }) => state !== "ready" || text)
      .map(({ resource, state, message: text }) => [resource, state, text]),
  ).toEqual([
    ["gitevents.forge.krate.a5c.ai", "ready", "Only the first 20000 were read."],
    ["clusterpolicies.kyverno.io", "forbidden", message],
    ["policies.kyverno.io", "absent", undefined],
  ]);
});

test("what the buttons offer appears in the tab once it is applied", () => {
  const scope = { organization: "demo", namespace: "krate-org-demo", repository: "shop" };
  const objects = [
    ...policyTemplates(scope, { hasKyverno: true }),
    ...refPolicyTemplates(scope),
    ...webhookTemplates(scope),
  ].flatMap(({ text }) => {
    const yaml = /^kubectl apply -f - <<'EOF'\n(.*)\nEOF$/s.exec(text)?.[1] ?? "";
    return parseAllDocuments(yaml).map((document) => document.toJS() as KubernetesObject & { kind: string });
  });
  const contents = Object.fromEntries(
    Object.entries(hookSources).map(([name, { kind }]) => [name, objects.filter((object) => object.kind === kind)]),
  );
  const rows = hooksOf({ ...contents, repository: [repository] });
  expect(rows.map(({ object, mode }) => `${object.kind} ${mode}`)).toEqual([
    "BranchProtection enforce",
    "BranchProtection enforce",
    "BranchProtection enforce",
    "RefPolicy audit",
    "BranchProtection enforce",
    "WebhookSubscription active",
    "ValidatingAdmissionPolicy audit",
    "ValidatingPolicy audit",
  ]);
});
