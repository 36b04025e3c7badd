import { describe, expect, test } from "@jest/globals";
import type { ObjectOf, PullRequest } from "@krate/kinds";
import { renderPreview } from "./application-set.ts";
import { observeApplication } from "./observe-application.ts";

const sha = "a".repeat(40);
const pullRequest = (name = "shop-7", head = "Topic/One") =>
  ({
    metadata: { namespace: "acme", name },
    spec: { organizationRef: "acme", repository: "shop", title: "t", head },
    status: { number: 7, headSha: sha },
  }) as ObjectOf<typeof PullRequest> & { status: { headSha: string } };
const render = (spec: object = {}, of = pullRequest()) => renderPreview(of, spec, "https://git.example");

describe("the ApplicationSet of a pull request", () => {
  test("deploys exactly the head's commit from the gateway, and takes what it deployed with it", () => {
    const { applicationSet } = render({ url: "https://pr-{number}.example", path: "chart", project: "previews" });
    const own = {
      "krate.a5c.ai/preview": "true",
      "krate.a5c.ai/repository": "shop",
      "krate.a5c.ai/pull-request": "shop-7",
    };
    expect(applicationSet).toEqual({
      metadata: {
        namespace: "argocd",
        name: "acme-shop-7",
        labels: own,
        annotations: { "krate.a5c.ai/preview-of": "acme/shop-7" },
      },
      spec: {
        goTemplate: true,
        goTemplateOptions: ["missingkey=error"],
        generators: [
          {
            list: {
              elements: [{ number: "7", name: "shop-7", branch: "Topic/One", sha, namespace: "preview-shop-7" }],
            },
          },
        ],
        template: {
          metadata: { name: "acme-shop-7", labels: own, finalizers: ["resources-finalizer.argocd.argoproj.io"] },
          spec: {
            project: "previews",
            source: { repoURL: "https://git.example/acme/shop.git", targetRevision: "{{.sha}}", path: "chart" },
            destination: { server: "https://kubernetes.default.svc", namespace: "{{.namespace}}" },
            syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ["CreateNamespace=true"] },
          },
        },
      },
    });
  });

  test.each([
    { reason: "nothing is asked for", spec: {}, namespace: "preview-shop-7", url: undefined },
    {
      reason: "a branch becomes a DNS label",
      spec: { namespace: "{branch}", url: "https://{branch}.example/{name}/{number}" },
      namespace: "topic-one",
      url: "https://topic-one.example/shop-7/7",
    },
    {
      reason: "unknown words stay",
      spec: { url: "https://{host}.example" },
      namespace: "preview-shop-7",
      url: "https://{host}.example",
    },
  ])("names: $reason", ({ spec, namespace, url }) => {
    expect(render(spec)).toMatchObject({ name: "acme-shop-7", namespace, url });
  });

  test("names that are too long differ by a hash", () => {
    const [one, other] = ["a", "b"].map((end) => render({}, pullRequest(`${"x".repeat(200)}${end}`)));
    expect(one?.name).toMatch(/^acme-x{49}-[0-9a-f]{8}$/);
    expect(other?.name).not.toBe(one?.name);
    expect(one?.namespace.length).toBeLessThanOrEqual(63);
  });
});

describe("what an Application says about the environment", () => {
  const synced = { status: "Synced", revision: sha };
  test.each([
    { reason: "Argo CD has not seen it yet", status: null, phase: "Pending", says: "has not made" },
    { reason: "nothing is known", status: {}, phase: "Pending", says: "not at commit aaaaaaaaaaaa" },
    {
      reason: "the commit before runs",
      status: { health: { status: "Healthy" }, sync: { status: "Synced", revision: "b" } },
      phase: "Pending",
      says: "not at commit",
    },
    {
      reason: "it starts",
      status: { health: { status: "Progressing" }, sync: synced },
      phase: "Pending",
      says: "is Progressing",
    },
    {
      reason: "the head's commit runs",
      status: { health: { status: "Healthy" }, sync: synced },
      phase: "Ready",
      says: "commit aaaaaaaaaaaa runs",
    },
    {
      reason: "it is broken",
      status: { health: { status: "Degraded", message: "crash loop" }, sync: synced },
      phase: "Failed",
      says: "is Degraded: crash loop",
    },
    {
      reason: "Argo CD cannot read it",
      status: { conditions: [{ type: "ComparisonError", message: "no such path" }] },
      phase: "Failed",
      says: "ComparisonError: no such path",
    },
  ])("$reason: $phase", ({ status, phase, says }) => {
    const state = observeApplication(status === null ? undefined : { status }, render());
    expect(state).toMatchObject({ phase, message: expect.stringContaining(says) });
  });
});
