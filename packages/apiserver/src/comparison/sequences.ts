/**
 * Requests whose answers are compared with a real kube-apiserver, one after another in a fresh namespace `cmp`. Most are things that clients
 * do wrong: what a server says then is what people tell two servers apart by.
 */
import type { JsonObject } from "@krate/apimachinery";

export interface Step {
  name: string;
  method?: string;
  path: string;
  contentType?: string;
  accept?: string;
  body?: JsonObject | JsonObject[] | string;
}

const core = "/api/v1/namespaces/cmp";
const gadgets = "/apis/cmp.example.com/v1/namespaces/cmp/gadgets";
const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/cmp";
const merge = "application/merge-patch+json";
const json = "application/json-patch+json";
const strategic = "application/strategic-merge-patch+json";
const apply = "application/apply-patch+yaml";
const table = "application/json;as=Table;v=v1;g=meta.k8s.io";

export const definition: JsonObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "gadgets.cmp.example.com" },
  spec: {
    group: "cmp.example.com",
    scope: "Namespaced",
    names: { kind: "Gadget", plural: "gadgets", singular: "gadget", listKind: "GadgetList", shortNames: ["gd"] },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
        },
        additionalPrinterColumns: [
          { name: "Color", type: "string", jsonPath: ".spec.color" },
          { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
        ],
        selectableFields: [{ jsonPath: ".spec.color" }],
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                required: ["color"],
                "x-kubernetes-validations": [{ rule: "self.replicas <= 10", message: "at most ten" }],
                properties: {
                  color: {
                    type: "string",
                    enum: ["red", "blue"],
                    "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "is immutable" }],
                  },
                  replicas: { type: "integer", minimum: 0, default: 1 },
                  tags: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
                  parts: {
                    type: "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    items: {
                      type: "object",
                      required: ["name"],
                      properties: { name: { type: "string" }, size: { type: "integer" } },
                    },
                  },
                },
              },
              status: { type: "object", properties: { replicas: { type: "integer" }, phase: { type: "string" } } },
            },
          },
        },
      },
    ],
  },
};

const gadget = (name: string, spec: JsonObject = { color: "red" }): JsonObject => ({
  apiVersion: "cmp.example.com/v1",
  kind: "Gadget",
  metadata: { name, namespace: "cmp" },
  spec,
});
const configMap = (name: string, more: JsonObject = {}): JsonObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "cmp" },
  ...more,
});

export const steps: readonly Step[] = [
  {
    name: "a ConfigMap",
    method: "POST",
    path: `${core}/configmaps?fieldManager=t`,
    body: configMap("a", { data: { x: "1" } }),
  },
  { name: "again", method: "POST", path: `${core}/configmaps?fieldManager=t`, body: configMap("a") },
  {
    name: "without a name",
    method: "POST",
    path: `${core}/configmaps`,
    body: { apiVersion: "v1", kind: "ConfigMap", metadata: {} },
  },
  { name: "a bad name", method: "POST", path: `${core}/configmaps`, body: configMap("A_b") },
  {
    name: "another kind",
    method: "POST",
    path: `${core}/configmaps`,
    body: { apiVersion: "v1", kind: "Secret", metadata: { name: "b" } },
  },
  {
    name: "another version",
    method: "POST",
    path: `${core}/configmaps`,
    body: { apiVersion: "v2", kind: "ConfigMap", metadata: { name: "b" } },
  },
  {
    name: "another namespace",
    method: "POST",
    path: `${core}/configmaps`,
    body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "b", namespace: "default" } },
  },
  { name: "no kind at all", method: "POST", path: `${core}/configmaps?dryRun=All`, body: { metadata: { name: "b" } } },
  { name: "a broken body", method: "POST", path: `${core}/configmaps`, body: "{" },
  {
    name: "a resourceVersion on create",
    method: "POST",
    path: `${core}/configmaps`,
    body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "b", resourceVersion: "5" } },
  },
  {
    name: "an unknown field, warned",
    method: "POST",
    path: `${core}/configmaps?fieldValidation=Warn&dryRun=All`,
    body: configMap("w", { foo: 1 }),
  },
  {
    name: "an unknown field, refused",
    method: "POST",
    path: `${core}/configmaps?fieldValidation=Strict`,
    body: configMap("w", { foo: 1 }),
  },
  {
    name: "a duplicate field",
    method: "POST",
    path: `${core}/configmaps?fieldValidation=Strict`,
    body: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"w"},"data":{"a":"1","a":"2"}}',
  },
  {
    name: "a wrong fieldValidation",
    method: "POST",
    path: `${core}/configmaps?fieldValidation=Maybe`,
    body: configMap("w"),
  },
  { name: "a wrong dryRun", method: "POST", path: `${core}/configmaps?dryRun=Some`, body: configMap("w") },
  { name: "another media type", method: "POST", path: `${core}/configmaps`, contentType: "text/html", body: "x" },
  {
    name: "a bad data key",
    method: "POST",
    path: `${core}/configmaps`,
    body: configMap("k", { data: { "a b": "1" } }),
  },
  {
    name: "a bad label",
    method: "POST",
    path: `${core}/configmaps`,
    body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "l", labels: { "a b": "c", d: "e f" } } },
  },
  { name: "not there", path: `${core}/configmaps/nothing` },
  { name: "no such resource", path: `${core}/things` },
  { name: "no such group", path: "/apis/none.example.com/v1/things" },
  { name: "no such path", path: "/none" },
  { name: "no such subresource", path: `${core}/configmaps/a/status` },
  { name: "a verb a collection does not have", method: "PUT", path: `${core}/configmaps`, body: configMap("a") },
  { name: "an unacceptable Accept", path: `${core}/configmaps/a`, accept: "text/html" },
  { name: "read", path: `${core}/configmaps/a` },
  { name: "as a Table", path: `${core}/configmaps/a`, accept: table },
  {
    name: "as metadata",
    path: `${core}/configmaps/a`,
    accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
  },
  {
    name: "merge patch",
    method: "PATCH",
    path: `${core}/configmaps/a?fieldManager=m`,
    contentType: merge,
    body: { data: { y: "2" } },
  },
  {
    name: "strategic patch",
    method: "PATCH",
    path: `${core}/configmaps/a?fieldManager=m`,
    contentType: strategic,
    body: { data: { x: null } },
  },
  {
    name: "JSON patch",
    method: "PATCH",
    path: `${core}/configmaps/a?fieldManager=m`,
    contentType: json,
    body: [{ op: "add", path: "/data/z", value: "3" }],
  },
  {
    name: "JSON patch that fails its test",
    method: "PATCH",
    path: `${core}/configmaps/a`,
    contentType: json,
    body: [{ op: "test", path: "/data/z", value: "4" }],
  },
  {
    name: "JSON patch of nowhere",
    method: "PATCH",
    path: `${core}/configmaps/a`,
    contentType: json,
    body: [{ op: "remove", path: "/data/none" }],
  },
  {
    name: "JSON patch of a wrong shape",
    method: "PATCH",
    path: `${core}/configmaps/a`,
    contentType: json,
    body: { op: "remove" },
  },
  {
    name: "a patch that renames",
    method: "PATCH",
    path: `${core}/configmaps/a`,
    contentType: merge,
    body: { metadata: { name: "b" } },
  },
  {
    name: "a patch with a stale resourceVersion",
    method: "PATCH",
    path: `${core}/configmaps/a`,
    contentType: merge,
    body: { metadata: { resourceVersion: "1" } },
  },
  {
    name: "a patch with another uid",
    method: "PATCH",
    path: `${core}/configmaps/a`,
    contentType: merge,
    body: { metadata: { uid: "x" } },
  },
  {
    name: "a patch of a wrong type",
    method: "PATCH",
    path: `${core}/configmaps/a`,
    contentType: merge,
    body: { data: { x: 1 } },
  },
  {
    name: "a patch without media type",
    method: "PATCH",
    path: `${core}/configmaps/a`,
    contentType: "application/json",
    body: {},
  },
  { name: "a patch of nothing", method: "PATCH", path: `${core}/configmaps/nothing`, contentType: merge, body: {} },
  {
    name: "apply",
    method: "PATCH",
    path: `${core}/configmaps/a?fieldManager=ap`,
    contentType: apply,
    body: configMap("a", { data: { q: "1" } }),
  },
  {
    name: "apply with a conflict",
    method: "PATCH",
    path: `${core}/configmaps/a?fieldManager=ap`,
    contentType: apply,
    body: configMap("a", { data: { q: "1", y: "9" } }),
  },
  {
    name: "apply without manager",
    method: "PATCH",
    path: `${core}/configmaps/a`,
    contentType: apply,
    body: configMap("a"),
  },
  {
    name: "apply of an unknown field",
    method: "PATCH",
    path: `${core}/configmaps/a?fieldManager=ap&force=true`,
    contentType: apply,
    body: configMap("a", { foo: 1 }),
  },
  {
    name: "update without resourceVersion",
    method: "PUT",
    path: `${core}/configmaps/a?fieldManager=u`,
    body: configMap("a", { data: { x: "1" } }),
  },
  {
    name: "update with a stale resourceVersion",
    method: "PUT",
    path: `${core}/configmaps/a`,
    body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", resourceVersion: "1" } },
  },
  { name: "update of another name", method: "PUT", path: `${core}/configmaps/a`, body: configMap("b") },
  { name: "update of nothing", method: "PUT", path: `${core}/configmaps/nothing`, body: configMap("nothing") },
  {
    name: "an immutable ConfigMap",
    method: "POST",
    path: `${core}/configmaps?fieldManager=t`,
    body: configMap("im", { immutable: true, data: { a: "1" } }),
  },
  { name: "changed", method: "PATCH", path: `${core}/configmaps/im`, contentType: merge, body: { data: { a: "2" } } },
  { name: "a list by label", path: `${core}/configmaps?labelSelector=a%3Db` },
  { name: "a list by a field that is not selectable", path: `${core}/configmaps?fieldSelector=data.x%3D1` },
  { name: "a broken label selector", path: `${core}/configmaps?labelSelector=a%3D%3D%3D` },
  { name: "a broken field selector", path: `${core}/configmaps?fieldSelector=a` },
  { name: "a negative limit", path: `${core}/configmaps?limit=-1` },
  { name: "a broken continue", path: `${core}/configmaps?limit=1&continue=xyz` },
  { name: "a broken resourceVersion", path: `${core}/configmaps?resourceVersion=abc` },
  { name: "resourceVersionMatch alone", path: `${core}/configmaps?resourceVersionMatch=Exact` },
  { name: "a wrong resourceVersionMatch", path: `${core}/configmaps?resourceVersion=1&resourceVersionMatch=Near` },
  { name: "sendInitialEvents without its friends", path: `${core}/configmaps?watch=true&sendInitialEvents=true` },
  {
    name: "delete with a wrong uid",
    method: "DELETE",
    path: `${core}/configmaps/a`,
    body: { preconditions: { uid: "x" } },
  },
  {
    name: "delete with a wrong policy",
    method: "DELETE",
    path: `${core}/configmaps/a`,
    body: { propagationPolicy: "Sideways" },
  },
  { name: "delete, dry", method: "DELETE", path: `${core}/configmaps/a?dryRun=All` },
  { name: "delete", method: "DELETE", path: `${core}/configmaps/a` },
  { name: "delete again", method: "DELETE", path: `${core}/configmaps/a` },

  {
    name: "a Secret",
    method: "POST",
    path: `${core}/secrets?fieldManager=t`,
    body: { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { p: "w" } },
  },
  { name: "of another type", method: "PATCH", path: `${core}/secrets/s`, contentType: merge, body: { type: "other" } },
  {
    name: "a Pod",
    method: "POST",
    path: `${core}/pods?fieldManager=t&dryRun=All`,
    body: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p" },
      spec: {
        automountServiceAccountToken: false,
        containers: [{ name: "c", image: "busybox", env: [{ name: "A", value: "b" }], ports: [{ containerPort: 80 }] }],
      },
    },
  },
  {
    name: "a Pod without containers",
    method: "POST",
    path: `${core}/pods`,
    body: { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec: {} },
  },
  {
    name: "a Service",
    method: "POST",
    path: `${core}/services?fieldManager=t`,
    body: {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "svc" },
      spec: { type: "ExternalName", externalName: "example.com" },
    },
  },
  {
    name: "a Role",
    method: "POST",
    path: `${rbac}/roles?fieldManager=t`,
    body: { metadata: { name: "r" }, rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }] },
  },
  {
    name: "a Role without verbs",
    method: "POST",
    path: `${rbac}/roles`,
    body: { metadata: { name: "r2" }, rules: [{ apiGroups: [""], resources: ["pods"], verbs: [] }] },
  },
  {
    name: "a RoleBinding",
    method: "POST",
    path: `${rbac}/rolebindings?fieldManager=t`,
    body: {
      metadata: { name: "rb" },
      roleRef: { kind: "Role", name: "r", apiGroup: "rbac.authorization.k8s.io" },
      subjects: [{ kind: "User", name: "u" }],
    },
  },
  {
    name: "to another role",
    method: "PATCH",
    path: `${rbac}/rolebindings/rb`,
    contentType: merge,
    body: { roleRef: { name: "other" } },
  },
  {
    name: "may I",
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    body: { spec: { resourceAttributes: { verb: "get", resource: "pods" } } },
  },
  {
    name: "may nobody",
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    body: { spec: { user: "nobody", resourceAttributes: { verb: "get", resource: "pods" } } },
  },
  {
    name: "may who",
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    body: { spec: { resourceAttributes: { verb: "get", resource: "pods" } } },
  },
  {
    name: "whose token is this",
    method: "POST",
    path: "/apis/authentication.k8s.io/v1/tokenreviews",
    body: { spec: { token: "nobody's" } },
  },
  {
    name: "a short token",
    method: "POST",
    path: `${core}/serviceaccounts/default/token`,
    body: { spec: { expirationSeconds: 5 } },
  },
  { name: "a token of nobody", method: "POST", path: `${core}/serviceaccounts/nobody/token`, body: { spec: {} } },

  {
    name: "a custom resource",
    method: "POST",
    path: `${gadgets}?fieldManager=t`,
    body: gadget("a", { color: "red", tags: ["x"], parts: [{ name: "p", size: 1 }] }),
  },
  { name: "its Table", path: gadgets, accept: table },
  { name: "its list", path: `${gadgets}?fieldSelector=spec.color%3Dred` },
  { name: "a missing field", method: "POST", path: gadgets, body: gadget("b", {}) },
  { name: "a wrong enum", method: "POST", path: gadgets, body: gadget("b", { color: "green" }) },
  { name: "a wrong type", method: "POST", path: gadgets, body: gadget("b", { color: "red", replicas: "many" }) },
  { name: "below the minimum", method: "POST", path: gadgets, body: gadget("b", { color: "red", replicas: -1 }) },
  {
    name: "a rule that does not hold",
    method: "POST",
    path: gadgets,
    body: gadget("b", { color: "red", replicas: 11 }),
  },
  { name: "duplicates in a set", method: "POST", path: gadgets, body: gadget("b", { color: "red", tags: ["x", "x"] }) },
  {
    name: "duplicate keys in a map list",
    method: "POST",
    path: gadgets,
    body: gadget("b", { color: "red", parts: [{ name: "p" }, { name: "p" }] }),
  },
  { name: "several errors", method: "POST", path: gadgets, body: gadget("b", { color: "green", replicas: -1 }) },
  {
    name: "an unknown field in a custom resource",
    method: "POST",
    path: `${gadgets}?fieldValidation=Strict`,
    body: gadget("b", { color: "red", shape: "round" }),
  },
  {
    name: "a transition rule",
    method: "PATCH",
    path: `${gadgets}/a`,
    contentType: merge,
    body: { spec: { color: "blue" } },
  },
  {
    name: "a strategic patch of a custom resource",
    method: "PATCH",
    path: `${gadgets}/a`,
    contentType: strategic,
    body: { spec: {} },
  },
  {
    name: "status by the main resource",
    method: "PATCH",
    path: `${gadgets}/a?fieldManager=m`,
    contentType: merge,
    body: { status: { phase: "X" } },
  },
  {
    name: "status",
    method: "PATCH",
    path: `${gadgets}/a/status?fieldManager=m`,
    contentType: merge,
    body: { status: { phase: "Ready", replicas: 1 }, spec: { replicas: 7 } },
  },
  {
    name: "spec",
    method: "PATCH",
    path: `${gadgets}/a?fieldManager=m`,
    contentType: merge,
    body: { spec: { replicas: 2 } },
  },
  { name: "scale", path: `${gadgets}/a/scale` },
  {
    name: "scaled",
    method: "PATCH",
    path: `${gadgets}/a/scale?fieldManager=m`,
    contentType: merge,
    body: { spec: { replicas: 3 } },
  },
  { name: "update without resourceVersion, custom", method: "PUT", path: `${gadgets}/a`, body: gadget("a") },
  {
    name: "apply a custom resource",
    method: "PATCH",
    path: `${gadgets}/a?fieldManager=ap`,
    contentType: apply,
    body: gadget("a", { color: "red", parts: [{ name: "q", size: 2 }] }),
  },
  {
    name: "apply a new one",
    method: "PATCH",
    path: `${gadgets}/new?fieldManager=ap`,
    contentType: apply,
    body: gadget("new"),
  },
  {
    name: "apply an unknown field to a custom resource",
    method: "PATCH",
    path: `${gadgets}/new?fieldManager=ap`,
    contentType: apply,
    body: gadget("new", { color: "red", shape: "round" }),
  },
  {
    name: "a finalizer",
    method: "PATCH",
    path: `${gadgets}/new?fieldManager=m`,
    contentType: merge,
    body: { metadata: { finalizers: ["example.com/f"] } },
  },
  { name: "deleted with a finalizer", method: "DELETE", path: `${gadgets}/new` },
  {
    name: "another finalizer",
    method: "PATCH",
    path: `${gadgets}/new`,
    contentType: merge,
    body: { metadata: { finalizers: ["example.com/f", "example.com/g"] } },
  },
  {
    name: "no finalizer",
    method: "PATCH",
    path: `${gadgets}/new?fieldManager=m`,
    contentType: merge,
    body: { metadata: { finalizers: null } },
  },
  { name: "gone", path: `${gadgets}/new` },
  { name: "the collection goes", method: "DELETE", path: gadgets },
  { name: "discovery of the group", path: "/apis/cmp.example.com" },
  { name: "discovery of the version", path: "/apis/cmp.example.com/v1" },

  {
    name: "a Lease",
    method: "POST",
    path: "/apis/coordination.k8s.io/v1/namespaces/cmp/leases?fieldManager=t",
    body: {
      metadata: { name: "l" },
      spec: { holderIdentity: "me", leaseDurationSeconds: 15, renewTime: "2026-01-01T00:00:00.000000Z" },
    },
  },
  { name: "its Table, holder and all", path: "/apis/coordination.k8s.io/v1/namespaces/cmp/leases", accept: table },
  {
    name: "a Lease of no duration",
    method: "POST",
    path: "/apis/coordination.k8s.io/v1/namespaces/cmp/leases",
    body: { metadata: { name: "l2" }, spec: { leaseDurationSeconds: 0 } },
  },
  {
    name: "an Event",
    method: "POST",
    path: `${core}/events?fieldManager=t`,
    body: {
      metadata: { name: "e" },
      involvedObject: { kind: "Pod", namespace: "cmp", name: "p" },
      reason: "R",
      message: "m",
      type: "Normal",
      source: { component: "c" },
      firstTimestamp: "2026-01-01T00:00:00Z",
      lastTimestamp: "2026-01-01T00:00:00Z",
      count: 1,
    },
  },
  { name: "the Event in its other group", path: "/apis/events.k8s.io/v1/namespaces/cmp/events/e" },
  {
    name: "Events by object",
    path: `${core}/events?fieldSelector=involvedObject.name%3Dp,type%3DNormal`,
    accept: table,
  },
  {
    name: "a Node",
    method: "POST",
    path: "/api/v1/nodes?fieldManager=t",
    body: { metadata: { name: "cmp-node", labels: { "node-role.kubernetes.io/worker": "" } } },
  },
  {
    name: "its status",
    method: "PATCH",
    path: "/api/v1/nodes/cmp-node/status?fieldManager=t",
    contentType: strategic,
    body: {
      status: {
        conditions: [
          {
            type: "Ready",
            status: "True",
            reason: "R",
            message: "m",
            lastHeartbeatTime: "2026-01-01T00:00:00Z",
            lastTransitionTime: "2026-01-01T00:00:00Z",
          },
        ],
        addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
        nodeInfo: { kubeletVersion: "v1" },
      },
    },
  },
  {
    name: "a second condition merges by type",
    method: "PATCH",
    path: "/api/v1/nodes/cmp-node/status?fieldManager=t",
    contentType: strategic,
    body: {
      status: {
        conditions: [
          {
            type: "DiskPressure",
            status: "False",
            lastHeartbeatTime: "2026-01-01T00:00:00Z",
            lastTransitionTime: "2026-01-01T00:00:00Z",
          },
        ],
      },
    },
  },
  { name: "Nodes", path: "/api/v1/nodes?fieldSelector=metadata.name%3Dcmp-node", accept: table },
  { name: "the Node goes", method: "DELETE", path: "/api/v1/nodes/cmp-node" },
  {
    name: "a bound Pod",
    method: "POST",
    path: `${core}/pods?fieldManager=t`,
    body: {
      metadata: { name: "bound" },
      spec: {
        nodeName: "nowhere",
        automountServiceAccountToken: false,
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 5,
        containers: [{ name: "c", image: "i:1" }],
      },
    },
  },
  {
    name: "its container runs",
    method: "PATCH",
    path: `${core}/pods/bound/status?fieldManager=k`,
    contentType: strategic,
    body: {
      status: {
        phase: "Running",
        podIP: "10.0.0.1",
        podIPs: [{ ip: "10.0.0.1" }],
        containerStatuses: [
          { name: "c", ready: true, restartCount: 2, image: "i:1", imageID: "", state: { running: {} } },
        ],
      },
    },
  },
  { name: "Pods", path: `${core}/pods?fieldSelector=metadata.name%3Dbound`, accept: table },
  {
    name: "Pods by node",
    path: `${core}/pods?fieldSelector=spec.nodeName%3Dnowhere,status.phase%3DRunning`,
    accept: table,
  },
  {
    name: "its spec may not change",
    method: "PATCH",
    path: `${core}/pods/bound`,
    contentType: merge,
    body: { spec: { restartPolicy: "Always" } },
  },
  {
    name: "bound again",
    method: "POST",
    path: `${core}/pods/bound/binding`,
    body: { target: { kind: "Node", name: "elsewhere" } },
  },
  { name: "its log, from nowhere", path: `${core}/pods/none/log` },
  { name: "a log of no such container", path: `${core}/pods/bound/log?container=x` },
  { name: "deleted with grace", method: "DELETE", path: `${core}/pods/bound` },
  { name: "deleted at once", method: "DELETE", path: `${core}/pods/bound`, body: { gracePeriodSeconds: 0 } },
  {
    name: "a Namespace with a bad name",
    method: "POST",
    path: "/api/v1/namespaces",
    body: { metadata: { name: "a.b" } },
  },
  {
    name: "a Namespace",
    method: "POST",
    path: "/api/v1/namespaces?fieldManager=t&dryRun=All",
    body: { metadata: { name: "cmp-two" } },
  },
  {
    name: "into a namespace that is not there",
    method: "POST",
    path: "/api/v1/namespaces/cmp-none/configmaps",
    body: { metadata: { name: "a" } },
  },
  { name: "a list in a namespace that is not there", path: "/api/v1/namespaces/cmp-none/configmaps" },
  {
    name: "generateName",
    method: "POST",
    path: `${core}/configmaps?dryRun=All`,
    body: { metadata: { generateName: "A_" } },
  },
  {
    name: "my rules",
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    body: { spec: {} },
  },
  {
    name: "a policy that does not compile",
    method: "POST",
    path: "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    body: {
      metadata: { name: "cmp" },
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] }],
        },
        validations: [{ expression: "size(object.x" }],
      },
    },
  },
  {
    name: "a policy",
    method: "POST",
    path: "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies?fieldManager=t&dryRun=All",
    body: {
      metadata: { name: "cmp" },
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] }],
        },
        validations: [{ expression: "true" }],
      },
    },
  },
  {
    name: "a binding",
    method: "POST",
    path: "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings?fieldManager=t&dryRun=All",
    body: { metadata: { name: "cmp" }, spec: { policyName: "cmp", validationActions: ["Deny"] } },
  },
  {
    name: "a definition by another name",
    method: "POST",
    path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    body: { ...definition, metadata: { name: "other.cmp.example.com" } },
  },
  {
    name: "the definition's stored form",
    path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.cmp.example.com",
  },
  { name: "groups", path: "/apis/rbac.authorization.k8s.io" },
  { name: "resources of a core group", path: "/apis/coordination.k8s.io/v1" },
  { name: "versions", path: "/api" },
];
