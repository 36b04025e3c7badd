/** Leases, Events, Nodes, Pods of a node, namespaces, policies, definitions. */
import { definition } from "./definition.ts";
import { core, merge, type Step, strategic, table } from "./step.ts";

export const moreCoreSteps: readonly Step[] = [
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
