import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { JsonObject } from "@krate/apimachinery";
import { eventually } from "@krate/testing";
import { type Cluster, cluster, mergePatch } from "../testing/cluster.ts";

// A whole server per file.
jest.setTimeout(60_000);

let server: Cluster;
beforeAll(async () => {
  server = await cluster();
});
afterAll(() => server.stop());

const get = async (url: string, user?: string) =>
  (await server.send({ url, ...(user !== undefined && { user }) })).json;
const gone = (url: string) =>
  eventually(async () => (await server.send({ url })).status === 404, { description: `${url} is gone` });

const definition: JsonObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "gadgets.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { kind: "Gadget", plural: "gadgets", shortNames: ["gd"] },
    versions: ["v1", "v1beta1"].map((name) => ({
      name,
      served: true,
      storage: name === "v1",
      subresources: {
        status: {},
        scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
      },
      additionalPrinterColumns: [{ name: "Color", type: "string", jsonPath: ".spec.color" }],
      selectableFields: [{ jsonPath: ".spec.color" }],
      schema: {
        openAPIV3Schema: {
          type: "object",
          properties: {
            spec: { type: "object", properties: { color: { type: "string" }, replicas: { type: "integer" } } },
            status: { type: "object", properties: { replicas: { type: "integer" } } },
          },
        },
      },
    })),
  },
};
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const gadgets = (version = "v1") => `/apis/example.com/${version}/namespaces/default/gadgets`;
const gadget = {
  apiVersion: "example.com/v1",
  kind: "Gadget",
  metadata: { name: "a" },
  spec: { color: "red", replicas: 1 },
};

describe("custom resources", () => {
  beforeAll(async () => {
    await server.apply(definitions, definition);
    await server.send({ method: "POST", url: gadgets(), body: gadget });
  });

  test("are served when the definition's answer says Established", async () => {
    expect(await get(`${definitions}/gadgets.example.com`)).toMatchObject({
      status: {
        storedVersions: ["v1"],
        acceptedNames: { plural: "gadgets" },
        conditions: [{ type: "NamesAccepted" }, { type: "Established", status: "True" }],
      },
    });
    expect(await get("/apis/example.com/v1")).toMatchObject({
      resources: [{ name: "gadgets", shortNames: ["gd"] }, { name: "gadgets/scale" }, { name: "gadgets/status" }],
    });
  });

  test("every served version shows the stored object as its own", async () => {
    expect(await get(`${gadgets("v1beta1")}/a`)).toMatchObject({
      apiVersion: "example.com/v1beta1",
      spec: { color: "red" },
    });
    expect(await get(`${gadgets("v1beta1")}?fieldSelector=spec.color%3Dred`)).toMatchObject({
      items: [{ apiVersion: "example.com/v1beta1" }],
    });
  });

  test("have columns and scale", async () => {
    const { json } = await server.send({
      url: gadgets(),
      headers: { accept: "application/json;as=Table;g=meta.k8s.io;v=v1" },
    });
    expect(json).toMatchObject({
      columnDefinitions: [{ name: "Name" }, { name: "Color" }],
      rows: [{ cells: ["a", "red"] }],
    });
    const scaled = await server.send({
      method: "PATCH",
      url: `${gadgets()}/a/scale`,
      headers: mergePatch,
      body: { spec: { replicas: 5 } },
    });
    expect(scaled.json).toMatchObject({ kind: "Scale", apiVersion: "autoscaling/v1", spec: { replicas: 5 } });
    expect(await get(`${gadgets()}/a`)).toMatchObject({ spec: { replicas: 5 }, metadata: { generation: 2 } });
  });

  test("are published as OpenAPI", async () => {
    const index = await get("/openapi/v3");
    expect((index["paths"] as JsonObject)["apis/example.com/v1"]).toBeDefined();
    expect(JSON.stringify(await get("/openapi/v3/apis/example.com/v1"))).toContain("com.example.v1.Gadget");
  });

  test("go with their definition", async () => {
    await server.send({ method: "DELETE", url: `${definitions}/gadgets.example.com` });
    await gone(`${definitions}/gadgets.example.com`);
    expect((await server.send({ url: gadgets() })).status).toBe(404);
    await server.apply(definitions, definition);
    expect((await get(gadgets()))["items"]).toEqual([]);
  });

  const wrong = [
    {
      change: { metadata: { name: "other.example.com" } },
      field: "metadata.name",
      reason: "a name that is not plural.group",
    },
    {
      change: { spec: { ...(definition["spec"] as JsonObject), conversion: { strategy: "Webhook" } } },
      field: "spec.conversion.strategy",
      reason: "conversion by webhook",
    },
  ];
  test.each(wrong)("$reason is refused", async ({ change, field }) => {
    const { json } = await server.send({
      method: "POST",
      url: `${definitions}?dryRun=All`,
      body: { ...definition, ...change },
    });
    expect(json).toMatchObject({ code: 422, details: { causes: [{ field }] } });
  });
});

describe("namespaces", () => {
  test("come with a ServiceAccount and the CA, hold nothing before they exist, and empty themselves", async () => {
    const body = { metadata: { name: "team" } };
    expect(
      (
        await server.send({
          method: "POST",
          url: "/api/v1/namespaces/team/configmaps",
          body: { metadata: { name: "a" } },
        })
      ).status,
    ).toBe(404);
    const { json } = await server.send({ method: "POST", url: "/api/v1/namespaces", body });
    expect(json).toMatchObject({
      metadata: { labels: { "kubernetes.io/metadata.name": "team" } },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    });
    await eventually(
      async () => (await server.send({ url: "/api/v1/namespaces/team/serviceaccounts/default" })).status === 200,
    );
    await eventually(
      async () => (await server.send({ url: "/api/v1/namespaces/team/configmaps/kube-root-ca.crt" })).status === 200,
    );
    await server.send({ method: "POST", url: "/api/v1/namespaces/team/configmaps", body: { metadata: { name: "a" } } });
    const deleted = await server.send({ method: "DELETE", url: "/api/v1/namespaces/team" });
    expect(deleted.json).toMatchObject({ status: { phase: "Terminating" } });
    await gone("/api/v1/namespaces/team");
    expect((await get("/api/v1/configmaps"))["items"]).not.toContainEqual(
      expect.objectContaining({ metadata: expect.objectContaining({ namespace: "team" }) }),
    );
  });

  test("default may not be deleted", async () => {
    expect((await server.send({ method: "DELETE", url: "/api/v1/namespaces/default" })).status).toBe(403);
  });
});

describe("garbage collection", () => {
  const maps = "/api/v1/namespaces/default/configmaps";
  async function family(name: string, { blocks = false } = {}): Promise<void> {
    const owner = await server.send({ method: "POST", url: maps, body: { metadata: { name } } });
    const { uid } = owner.json["metadata"] as { uid: string };
    const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name, uid, blockOwnerDeletion: blocks }];
    await server.send({ method: "POST", url: maps, body: { metadata: { name: `${name}-child`, ownerReferences } } });
  }

  test("background: the dependent follows its owner", async () => {
    await family("bg");
    await server.send({ method: "DELETE", url: `${maps}/bg` });
    await gone(`${maps}/bg-child`);
  });

  test("foreground: the owner waits for its dependent", async () => {
    await family("fg", { blocks: true });
    await server.send({
      method: "PATCH",
      url: `${maps}/fg-child`,
      headers: mergePatch,
      body: { metadata: { finalizers: ["example.com/hold"] } },
    });
    await server.send({ method: "DELETE", url: `${maps}/fg`, body: { propagationPolicy: "Foreground" } });
    await eventually(async () => ((await get(`${maps}/fg-child`))["metadata"] as JsonObject)["deletionTimestamp"]);
    expect((await server.send({ url: `${maps}/fg` })).status).toBe(200);
    await server.send({
      method: "PATCH",
      url: `${maps}/fg-child`,
      headers: mergePatch,
      body: { metadata: { finalizers: null } },
    });
    await gone(`${maps}/fg-child`);
    await gone(`${maps}/fg`);
  });

  test("orphan: the dependent stays and forgets its owner", async () => {
    await family("or");
    await server.send({ method: "DELETE", url: `${maps}/or`, body: { propagationPolicy: "Orphan" } });
    await gone(`${maps}/or`);
    expect((await get(`${maps}/or-child`))["metadata"]).not.toHaveProperty("ownerReferences");
  });

  test("a dependent of an owner that never was is removed", async () => {
    const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "nobody", uid: "never" }];
    await server.send({ method: "POST", url: maps, body: { metadata: { name: "stray", ownerReferences } } });
    await gone(`${maps}/stray`);
  });
});

describe("who may do what", () => {
  const alice = "alice,system:authenticated";
  const roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";

  test("an authenticated user sees discovery and nothing else; anonymous sees health", async () => {
    expect((await server.send({ url: "/apis", user: alice })).status).toBe(200);
    expect((await server.send({ url: "/api/v1/namespaces/default/secrets", user: alice })).status).toBe(403);
    expect((await server.send({ url: "/readyz", user: "" })).status).toBe(200);
    expect((await server.send({ url: "/apis", user: "" })).status).toBe(403);
  });

  test("a binding allows at once, in its namespace only; aggregated roles have their rules", async () => {
    const subjects = [{ kind: "User", name: "alice" }];
    await server.send({
      method: "POST",
      url: `${roles}/rolebindings`,
      body: { metadata: { name: "edit" }, roleRef: { kind: "ClusterRole", name: "edit" }, subjects },
    });
    await eventually(
      async () => (await server.send({ url: "/api/v1/namespaces/default/secrets", user: alice })).status === 200,
    );
    expect((await server.send({ url: "/api/v1/namespaces/kube-system/secrets", user: alice })).status).toBe(403);
    const review = { spec: { resourceAttributes: { verb: "create", resource: "configmaps", namespace: "default" } } };
    const { json } = await server.send({
      method: "POST",
      url: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
      user: alice,
      body: review,
    });
    expect(json).toMatchObject({
      status: { allowed: true, reason: expect.stringContaining("RBAC: allowed by RoleBinding") },
    });
  });

  test("nobody grants what they do not have", async () => {
    await server.send({
      method: "POST",
      url: `${roles}/rolebindings`,
      body: {
        metadata: { name: "admin" },
        roleRef: { kind: "ClusterRole", name: "admin" },
        subjects: [{ kind: "User", name: "carol" }],
      },
    });
    const create = (rules: object[]) =>
      server.send({
        method: "POST",
        url: `${roles}/roles`,
        user: "carol,system:authenticated",
        body: { metadata: { name: "r" }, rules },
      });
    await eventually(
      async () => (await server.send({ url: `${roles}/roles`, user: "carol,system:authenticated" })).status === 200,
    );
    const refused = await create([{ apiGroups: ["example.com"], resources: ["gadgets"], verbs: ["get"] }]);
    expect(refused.json).toMatchObject({
      code: 403,
      message: expect.stringContaining("is attempting to grant RBAC permissions not currently held"),
    });
    expect((await create([{ apiGroups: [""], resources: ["configmaps"], verbs: ["get"] }])).status).toBe(201);
  });
});

describe("ServiceAccount tokens", () => {
  const accounts = "/api/v1/namespaces/default/serviceaccounts";
  const request = (spec: object) => server.send({ method: "POST", url: `${accounts}/robot/token`, body: { spec } });
  const as = (token: string) =>
    server.send({
      method: "POST",
      url: "/apis/authentication.k8s.io/v1/selfsubjectreviews",
      user: "",
      headers: { authorization: `Bearer ${token}` },
      body: {},
    });
  const tokenIn = (json: JsonObject) => (json["status"] as { token: string }).token;

  beforeAll(async () => {
    await server.send({ method: "POST", url: accounts, body: { metadata: { name: "robot" } } });
  });

  test("authenticate as their ServiceAccount", async () => {
    const { json } = await as(tokenIn((await request({})).json));
    expect(json).toMatchObject({
      status: {
        userInfo: {
          username: "system:serviceaccount:default:robot",
          groups: expect.arrayContaining(["system:serviceaccounts:default"]),
        },
      },
    });
  });

  test("of another audience are nobody here, but good there", async () => {
    const token = tokenIn((await request({ audiences: ["krate:acme/web"] })).json);
    expect((await as(token)).status).toBe(401);
    const review = { spec: { token, audiences: ["krate:acme/web"] } };
    const { json } = await server.send({
      method: "POST",
      url: "/apis/authentication.k8s.io/v1/tokenreviews",
      body: review,
    });
    expect(json).toMatchObject({
      status: {
        authenticated: true,
        audiences: ["krate:acme/web"],
        user: { username: "system:serviceaccount:default:robot" },
      },
    });
  });

  test("die with the Pod they are bound to", async () => {
    const pods = "/api/v1/namespaces/default/pods";
    const spec = { serviceAccountName: "robot", containers: [{ name: "c", image: "i" }] };
    const pod = await server.send({ method: "POST", url: pods, body: { metadata: { name: "p" }, spec } });
    expect(pod.json).toMatchObject({ status: { phase: "Pending" }, spec: { restartPolicy: "Always" } });
    const token = tokenIn((await request({ boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "p" } })).json);
    expect((await as(token)).status).toBe(201);
    await server.send({ method: "DELETE", url: `${pods}/p` });
    expect((await as(token)).status).toBe(401);
  });

  test("last at least ten minutes", async () => {
    expect((await request({ expirationSeconds: 10 })).json).toMatchObject({
      code: 422,
      details: { causes: [{ field: "spec.expirationSeconds" }] },
    });
  });
});

describe("core kinds", () => {
  test("a Secret takes stringData and gives data", async () => {
    const body = { metadata: { name: "s" }, stringData: { password: "x" } };
    const { json } = await server.send({ method: "POST", url: "/api/v1/namespaces/default/secrets", body });
    expect(json).toMatchObject({ type: "Opaque", data: { password: "eA==" } });
    expect(json).not.toHaveProperty("stringData");
  });

  test("the value of a Secret never stands in an error", async () => {
    const wrong = { metadata: { name: "w" }, data: { password: "hunter2!" } };
    const refused = await server.send({ method: "POST", url: "/api/v1/namespaces/default/secrets", body: wrong });
    expect(refused.json).toMatchObject({
      code: 422,
      details: { causes: [{ field: expect.stringContaining("password") }] },
    });
    const strict = await server.send({
      method: "PATCH",
      url: "/api/v1/namespaces/default/secrets/s?fieldValidation=Strict",
      headers: mergePatch,
      body: { stringData: { password: "hunter2!" }, unknown: true },
    });
    expect(strict.status).toBe(422);
    expect(refused.text + strict.text).not.toContain("hunter2");
  });

  test("an immutable ConfigMap stays", async () => {
    const url = "/api/v1/namespaces/default/configmaps";
    await server.send({
      method: "POST",
      url,
      body: { metadata: { name: "fixed" }, immutable: true, data: { a: "1" } },
    });
    expect(
      (await server.send({ method: "PATCH", url: `${url}/fixed`, headers: mergePatch, body: { data: { a: "2" } } }))
        .status,
    ).toBe(422);
  });

  test("an Event is one object in both groups", async () => {
    const body = {
      metadata: { name: "e" },
      involvedObject: { kind: "Pod", name: "p", namespace: "default" },
      reason: "Started",
      message: "it runs",
      type: "Normal",
    };
    await server.send({ method: "POST", url: "/api/v1/namespaces/default/events", body });
    const other = "/apis/events.k8s.io/v1/namespaces/default/events";
    expect(await get(`${other}/e`)).toMatchObject({
      apiVersion: "events.k8s.io/v1",
      note: "it runs",
      regarding: { name: "p" },
    });
    await server.send({
      method: "POST",
      url: other,
      body: {
        metadata: { name: "f" },
        regarding: { kind: "Pod", name: "p" },
        note: "it ended",
        reason: "Ended",
        type: "Normal",
        eventTime: "2026-01-01T00:00:00.000000Z",
      },
    });
    const list = await get("/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dp");
    expect((list["items"] as JsonObject[]).map(({ message }) => message)).toEqual(["it runs", "it ended"]);
  });

  test("a Pod is bound once", async () => {
    const pods = "/api/v1/namespaces/default/pods";
    await server.send({
      method: "POST",
      url: pods,
      body: { metadata: { name: "b" }, spec: { containers: [{ name: "c", image: "i" }] } },
    });
    const bind = (name: string) =>
      server.send({
        method: "POST",
        url: `${pods}/b/binding`,
        body: { metadata: { name: "b" }, target: { kind: "Node", name } },
      });
    expect((await bind("n1")).status).toBe(201);
    expect((await bind("n2")).status).toBe(409);
    expect(await get(`${pods}?fieldSelector=spec.nodeName%3Dn1`)).toMatchObject({
      items: [{ metadata: { name: "b" } }],
    });
    const deleted = await server.send({ method: "DELETE", url: `${pods}/b` });
    expect(deleted.json).toMatchObject({ metadata: { deletionGracePeriodSeconds: 30 } });
    await server.send({ method: "DELETE", url: `${pods}/b`, body: { gracePeriodSeconds: 0 } });
    expect((await server.send({ url: `${pods}/b` })).status).toBe(404);
  });

  test("an APIService is listed for every group-version", async () => {
    const names = await eventually(async () => {
      const { items } = await get("/apis/apiregistration.k8s.io/v1/apiservices");
      const all = (items as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);
      return all.includes("v1.") && all.includes("v1alpha1.forge.krate.a5c.ai") ? all : undefined;
    });
    expect(names).toContain("v1.rbac.authorization.k8s.io");
  });

  test("discovery names every group, in both forms", async () => {
    const plain = await get("/apis");
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const { json, headers } = await server.send({ url: "/apis", headers: { accept } });
    const groups = (plain["groups"] as { name: string }[]).map(({ name }) => name);
    expect(groups).toEqual(
      expect.arrayContaining(["forge.krate.a5c.ai", "rbac.authorization.k8s.io", "apiextensions.k8s.io"]),
    );
    expect((json["items"] as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name)).toEqual(groups);
    expect(headers["content-type"]).toBe("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    const again = await server.send({ url: "/apis", headers: { accept, "if-none-match": String(headers["etag"]) } });
    expect(again.status).toBe(304);
  });
});
