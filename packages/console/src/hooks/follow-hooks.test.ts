import { expect, test } from "@jest/globals";
import { ApiError, type KindRef, type KubernetesObject } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import type { LiveEvent } from "../live/events.ts";
import { followHooks } from "./follow-hooks.ts";
import type { HookEntry } from "./hook-rows.ts";

const group = "admissionregistration.k8s.io";
const policy = (name: string): KubernetesObject & { spec: object } => ({
  metadata: { name, uid: name, resourceVersion: "5" },
  spec: {
    matchConstraints: {
      resourceRules: [{ apiGroups: ["*"], apiVersions: ["*"], operations: ["CREATE"], resources: ["pullrequests"] }],
    },
    validations: [{ expression: "false", message: "never" }],
  },
});

/** The verbs that the tab uses: discovery, lists, and one watch whose events the test pushes. */
function clientOf(lists: Record<string, KubernetesObject[] | ApiError>) {
  const served: Record<string, object> = {
    [`/apis/${group}`]: { versions: [{ version: "v1" }, { version: "v1beta1" }] },
    [`/apis/${group}/v1`]: { resources: [{ name: "validatingadmissionpolicies" }] },
    [`/apis/${group}/v1beta1`]: {
      resources: [{ name: "validatingadmissionpolicies" }, { name: "mutatingadmissionpolicies" }],
    },
  };
  const asked: string[] = [];
  const waiting: ((event: object) => void)[] = [];
  const client = {
    get: async () => ({ metadata: { labels: { team: "red" } } }),
    raw: async ({ path }: { path: string }) => {
      if (!served[path]) throw new ApiError("NotFound", `no ${path}`);
      return { json: async () => served[path] };
    },
    list: async (kind: KindRef) => {
      asked.push(`${kind.group}/${kind.version}/${kind.plural}`);
      const items = lists[kind.plural] ?? [];
      if (items instanceof ApiError) throw items;
      return { metadata: { resourceVersion: "7" }, items };
    },
    async *watch(kind: KindRef, { signal }: { signal: AbortSignal }) {
      while (!signal.aborted) {
        const event = await new Promise<object | undefined>((resolve) => {
          if (kind.plural === "validatingadmissionpolicies") waiting.push(resolve);
          signal.addEventListener("abort", () => resolve(undefined), { once: true });
        });
        if (event) yield event;
      }
    },
  };
  return {
    client: client as unknown as KubeClient,
    asked,
    push: (type: string, object: KubernetesObject) => waiting.shift()?.({ type, object }),
  };
}

async function next(events: AsyncGenerator<LiveEvent>): Promise<LiveEvent> {
  return (await events.next()).value as LiveEvent;
}

test("the tab is one snapshot of everything, then what differs; nothing of it outlives its reader", async () => {
  const { client, asked, push } = clientOf({
    validatingadmissionpolicies: [policy("first")],
    webhooksubscriptions: new ApiError("Forbidden", "eve cannot list webhooksubscriptions"),
  });
  const stop = new AbortController();
  const events = followHooks(client, { namespace: "krate-org-demo", repository: "shop", signal: stop.signal });
  expect(await next(events)).toEqual({ event: "reset" });
  const snapshot = (await next(events)) as { event: "snapshot"; data: HookEntry[] };
  expect(await next(events)).toEqual({ event: "synced", id: "0" });
  expect(snapshot.data.filter(({ type }) => type === "hook").map(({ name }) => name)).toEqual(["first"]);
  const states = snapshot.data.flatMap((entry) => (entry.type === "source" ? [[entry.resource, entry.state]] : []));
  expect(Object.fromEntries(states)).toMatchObject({
    [`validatingadmissionpolicies.${group}`]: "ready",
    [`mutatingadmissionpolicies.${group}`]: "ready",
    [`validatingwebhookconfigurations.${group}`]: "absent",
    "clusterpolicies.kyverno.io": "absent",
    "webhooksubscriptions.krate.a5c.ai": "forbidden",
  });
  expect(asked).toContain(`${group}/v1/validatingadmissionpolicies`);
  expect(asked).toContain(`${group}/v1beta1/mutatingadmissionpolicies`);

  push("ADDED", policy("second"));
  expect(await next(events)).toMatchObject({ event: "change", data: { type: "ADDED", row: { name: "second" } } });
  push("DELETED", policy("first"));
  expect(await next(events)).toMatchObject({ event: "change", data: { type: "DELETED", row: { name: "first" } } });
  stop.abort();
  expect(await events.next()).toEqual({ done: true, value: undefined });
});
