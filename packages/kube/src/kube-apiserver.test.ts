/** What only a real kube-apiserver can say: the verbs over HTTP/2, streamed lists, expired versions, reviews, Events. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ConfigMap, Event, isReason, type KindRef, Namespace, ServiceAccount } from "@krate/kinds";
import { eventually, skipWithout, withControlPlane } from "@krate/testing";
import { kubeClient } from "./client.ts";
import { eventRecorder } from "./events.ts";
import { informer } from "./informer.ts";
import { loadKubeConfig } from "./kube-config.ts";
import { accessReview, tokenReview } from "./reviews.ts";
import type { KubeClient } from "./types.ts";

const CustomResourceDefinition = {
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  scope: "Cluster",
} as const satisfies KindRef;

function thingDefinition({ group, version, kind, plural, scope }: KindRef) {
  const schema = { openAPIV3Schema: { type: "object" as const } };
  return {
    metadata: { name: `${plural}.${group}` },
    spec: { group, scope, names: { kind, plural }, versions: [{ name: version, served: true, storage: true, schema }] },
  };
}

skipWithout("envtest")("a real kube-apiserver", () => {
  const controlPlane = withControlPlane();
  const namespace = `kube-test-${process.pid}-${Date.now().toString(36)}`;
  let client: KubeClient;
  const stop = new AbortController();
  const key = (name: string) => ({ namespace, name });
  const configMap = (name: string, value: string) => ({ metadata: key(name), data: { value } });

  beforeAll(async () => {
    client = kubeClient(await loadKubeConfig(controlPlane().kubeconfig), {
      userAgent: "kube-test",
      fieldManager: "kube-test",
    });
    await client.create(Namespace, { metadata: { name: namespace } });
  }, 60_000);
  afterAll(async () => {
    stop.abort(new Error("test over"));
    await client.delete(Namespace, { name: namespace });
    await client.close();
  }, 60_000);

  test("creates once, replaces only the version it read, patches and deletes", async () => {
    const created = await client.create(ConfigMap, configMap("a", "1"));
    await expect(client.create(ConfigMap, configMap("a", "1"))).rejects.toMatchObject({ reason: "AlreadyExists" });
    const replaced = await client.replace(ConfigMap, { ...created, data: { value: "2" } });
    expect(replaced.data).toEqual({ value: "2" });
    await expect(client.replace(ConfigMap, { ...created, data: { value: "3" } })).rejects.toMatchObject({
      reason: "Conflict",
    });
    const json = [
      { op: "test", path: "/data/value", value: "2" },
      { op: "add", path: "/data/more", value: "x" },
    ];
    expect((await client.patch(ConfigMap, key("a"), json, { type: "json" })).data).toEqual({ value: "2", more: "x" });
    expect((await client.patch(ConfigMap, key("a"), { data: { more: null } }, { type: "merge" })).data).toEqual({
      value: "2",
    });
    await expect(client.delete(ConfigMap, key("a"), { preconditions: { uid: "other" } })).rejects.toMatchObject({
      reason: "Conflict",
    });
    await client.delete(ConfigMap, key("a"));
    await client.delete(ConfigMap, key("a"));
    expect(await client.find(ConfigMap, key("a"))).toBeUndefined();
  });

  test("applies fields of one manager, and takes over others' only by force", async () => {
    await client.apply(ConfigMap, configMap("applied", "mine"), { fieldManager: "one" });
    const other = configMap("applied", "theirs");
    await expect(client.apply(ConfigMap, other, { fieldManager: "two" })).rejects.toMatchObject({ reason: "Conflict" });
    expect((await client.apply(ConfigMap, other, { fieldManager: "two", force: true })).data).toEqual({
      value: "theirs",
    });
    const dry = await client.apply(ConfigMap, configMap("never", "x"), { fieldManager: "one", dryRun: true });
    expect(dry.metadata?.name).toBe("never");
    expect(await client.find(ConfigMap, key("never"))).toBeUndefined();
  });

  test("lists page by page, one version over all pages", async () => {
    const names = Array.from({ length: 7 }, (_, index) => `page-${index}`);
    await Promise.all(
      names.map((name) =>
        client.create(ConfigMap, { ...configMap(name, ""), metadata: { ...key(name), labels: { page: "yes" } } }),
      ),
    );
    const seen: string[] = [];
    for await (const { metadata } of client.listAll(ConfigMap, { namespace, labelSelector: "page=yes", limit: 3 }))
      seen.push(metadata?.name ?? "");
    expect(seen).toEqual(names);
  });

  test("sends 300 requests at once over its connection", async () => {
    const lists = await Promise.all(Array.from({ length: 300 }, () => client.list(Namespace)));
    expect(lists.every(({ items }) => items.length > 0)).toBe(true);
  });

  test("an expired version is Expired", async () => {
    // Its history starts with it: whatever was before, kube-apiserver's watch cache never held.
    const name = `thing${process.pid}${Date.now().toString(36)}s`;
    const Thing = { group: "expired.test", version: "v1", kind: "Thing", plural: name, scope: "Namespaced" } as const;
    await client.create(CustomResourceDefinition, thingDefinition(Thing));
    const watching = async (resourceVersion: string) => {
      for await (const _ of client.watch(Thing, { namespace, resourceVersion, timeoutSeconds: 1 }));
    };
    try {
      await eventually(() =>
        client.list(Thing, { namespace }).then(
          () => true,
          (error: unknown) => (isReason(error, "NotFound") ? false : Promise.reject(error)),
        ),
      );
      await expect(watching("1")).rejects.toMatchObject({ code: 410 });
    } finally {
      await client.delete(CustomResourceDefinition, { name: `${name}.${Thing.group}` });
    }
  });

  test("the informer starts from a streamed list and hears every change in order, without managedFields", async () => {
    await client.create(ConfigMap, {
      ...configMap("watched", "0"),
      metadata: { ...key("watched"), labels: { watched: "yes" } },
    });
    const followed = informer(client, ConfigMap, { namespace, labelSelector: "watched=yes" });
    const heard: string[] = [];
    followed.onChange((type, { data }) => heard.push(`${type} ${data?.value}`));
    followed.start(stop.signal);
    await followed.synced();
    for (const value of ["1", "2", "3"])
      await client.patch(ConfigMap, key("watched"), { data: { value } }, { type: "merge" });
    await client.delete(ConfigMap, key("watched"));
    await eventually(() => heard.length === 5);
    expect(heard).toEqual(["ADDED 0", "MODIFIED 1", "MODIFIED 2", "MODIFIED 3", "DELETED 3"]);
  });

  test("says who a token belongs to and what they may do", async () => {
    await client.create(ServiceAccount, { metadata: key("robot") });
    const tokenRequest = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { audiences: ["krate:test"] },
    };
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/robot/token`;
    const answer = (await (await client.raw({ method: "POST", path, body: tokenRequest })).json()) as {
      status: { token: string };
    };
    const user = `system:serviceaccount:${namespace}:robot`;
    expect(await tokenReview(client, answer.status.token, { audiences: ["krate:test"] })).toMatchObject({
      authenticated: true,
      user: { username: user },
    });
    expect(await tokenReview(client, answer.status.token)).toMatchObject({ authenticated: false });
    expect(await tokenReview(client, "nonsense")).toMatchObject({ authenticated: false });
    const attributes = { verb: "get", group: "", resource: "secrets", namespace };
    expect((await accessReview(client, { user, groups: [] }, attributes)).allowed).toBe(false);
    expect((await accessReview(client, { user: "x", groups: ["system:masters"] }, attributes)).allowed).toBe(true);
  });

  test("records an Event once and counts its repeats", async () => {
    const problems: unknown[] = [];
    const recorder = eventRecorder(client, { component: "kube-test", onProblem: (error) => problems.push(error) });
    const object = { ...(await client.create(ConfigMap, configMap("told", ""))), apiVersion: "v1", kind: "ConfigMap" };
    for (let count = 0; count < 3; count++) recorder.record(object, "Warning", "Broken", "it broke");
    recorder.record(object, "Normal", "Mended", "it works");
    await recorder.flush();
    const { items } = await client.list(Event, { namespace, fieldSelector: "involvedObject.name=told" });
    expect(items.map(({ reason, count }) => [reason, count]).sort()).toEqual([
      ["Broken", 3],
      ["Mended", 1],
    ]);
    expect(problems).toEqual([]);
  });
});
