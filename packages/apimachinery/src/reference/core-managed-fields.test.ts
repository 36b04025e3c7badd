/** What the creator and an applier of core kinds own, beside a real kube-apiserver. No kind here has a controller that writes to it. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { skipWithout, withControlPlane } from "@krate/testing";
import { applyConfiguration, trackUpdate } from "../apply/index.ts";
import type { JsonObject } from "../json.ts";
import { dig, isObject } from "../json.ts";
import { compileSchema } from "../schema/index.ts";
import type { Definitions } from "../schema/types.ts";
import { referenceServer } from "./kube-apiserver.ts";
import { comparable } from "./model-server.ts";

const unique = randomBytes(4).toString("hex");
const namespace = `core-${unique}`;

interface Case {
  document: string;
  definition: string;
  path: string;
  object: JsonObject;
  /** Applied by a second manager. */
  applied: JsonObject;
}

const pod = {
  containers: [{ name: "a", image: "a:1", env: [{ name: "E", value: "1" }], ports: [{ containerPort: 80 }] }],
  volumes: [{ name: "v", emptyDir: {} }],
};

const cases: Record<string, Case> = {
  ConfigMap: {
    document: "api/v1",
    definition: "io.k8s.api.core.v1.ConfigMap",
    path: `/api/v1/namespaces/${namespace}/configmaps`,
    object: { data: { a: "1" }, binaryData: { b: "aGk=" } },
    applied: { data: { c: "2" } },
  },
  Secret: {
    document: "api/v1",
    definition: "io.k8s.api.core.v1.Secret",
    path: `/api/v1/namespaces/${namespace}/secrets`,
    object: { data: { a: "aGk=" }, type: "Opaque" },
    applied: { data: { a: "aGk=" } },
  },
  ServiceAccount: {
    document: "api/v1",
    definition: "io.k8s.api.core.v1.ServiceAccount",
    path: `/api/v1/namespaces/${namespace}/serviceaccounts`,
    object: { imagePullSecrets: [{ name: "x" }] },
    applied: { secrets: [{ name: "y" }] },
  },
  Service: {
    document: "api/v1",
    definition: "io.k8s.api.core.v1.Service",
    path: `/api/v1/namespaces/${namespace}/services`,
    object: { spec: { type: "ExternalName", externalName: "localhost", ports: [{ port: 80, name: "h" }] } },
    applied: { spec: { ports: [{ port: 81, name: "i", protocol: "TCP" }] } },
  },
  PodTemplate: {
    document: "api/v1",
    definition: "io.k8s.api.core.v1.PodTemplate",
    path: `/api/v1/namespaces/${namespace}/podtemplates`,
    object: { template: { metadata: { labels: { app: "x" } }, spec: pod } },
    applied: { template: { spec: { containers: [{ name: "a", env: [{ name: "F", value: "2" }] }] } } },
  },
  Lease: {
    document: "apis/coordination.k8s.io/v1",
    definition: "io.k8s.api.coordination.v1.Lease",
    path: `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`,
    object: { spec: { holderIdentity: "me", leaseDurationSeconds: 10 } },
    applied: { spec: { holderIdentity: "me" } },
  },
  Role: {
    document: "apis/rbac.authorization.k8s.io/v1",
    definition: "io.k8s.api.rbac.v1.Role",
    path: `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles`,
    object: { rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }] },
    applied: { rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }] },
  },
};

skipWithout("envtest")("managedFields of core kinds beside kube-apiserver", () => {
  const controlPlane = withControlPlane();
  let send: ReturnType<typeof referenceServer>;

  beforeAll(async () => {
    send = referenceServer(controlPlane());
    await send({ method: "POST", path: "/api/v1/namespaces", body: { metadata: { name: namespace } } });
  }, 60_000);

  afterAll(() => send?.({ method: "DELETE", path: `/api/v1/namespaces/${namespace}` }));

  test.each(Object.entries(cases))("%s", async (kind, { document, definition, path, object, applied }) => {
    const answer = await send({ method: "GET", path: `/openapi/v3/${document}` });
    const definitions = dig(answer.body, "components", "schemas") as unknown as Definitions;
    const { schema } = compileSchema(definitions[definition] ?? {}, definitions);
    const apiVersion = document.replace(/^apis?\//, "");
    const metadata = { name: "x", labels: { l: "1" } };
    const created = await send({
      method: "POST",
      path: `${path}?fieldManager=creator`,
      body: { apiVersion, kind, metadata, ...object },
    });
    expect(created.body.message).toBeUndefined();
    const options = { schema, apiVersion, now: new Date(0), subresource: "" };
    const plain = { ...created.body, metadata: { ...(created.body.metadata as JsonObject), managedFields: undefined } };
    const ours = trackUpdate(undefined, withoutUndefined(plain), { ...options, manager: "creator" });
    expect(managedFieldsOf(ours)).toEqual(managedFieldsOf(created.body));

    const configuration = { apiVersion, kind, metadata: { name: "x" }, ...applied };
    const there = await send({
      method: "PATCH",
      path: `${path}/x?fieldManager=applier`,
      body: configuration,
      contentType: "application/apply-patch+yaml",
    });
    expect(there.body.message).toBeUndefined();
    const here = applyConfiguration(created.body, configuration, { ...options, manager: "applier" });
    expect(managedFieldsOf(here)).toEqual(managedFieldsOf(there.body));
    expect({ ...here, metadata: 0, spec: Object.keys((here.spec ?? {}) as JsonObject).sort() }).toEqual({
      ...there.body,
      metadata: 0,
      spec: Object.keys((there.body.spec ?? {}) as JsonObject).sort(),
    });
  });
});

function withoutUndefined(object: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(object)) as JsonObject;
}

function managedFieldsOf(object: JsonObject): unknown {
  const { metadata } = comparable(object) as { metadata: JsonObject };
  return isObject(metadata) ? metadata.managedFields : undefined;
}
