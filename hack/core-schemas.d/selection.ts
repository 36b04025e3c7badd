/** What our standalone API server serves of Kubernetes' own kinds. Exec, attach, port-forward and proxy are not among it. */
export const selection: { group: string; version: string; resources: Record<string, string[]> }[] = [
  {
    group: "",
    version: "v1",
    resources: {
      configmaps: [],
      endpoints: [],
      events: [],
      namespaces: ["finalize", "status"],
      nodes: ["status"],
      pods: ["binding", "eviction", "log", "status"],
      secrets: [],
      serviceaccounts: ["token"],
      services: ["status"],
    },
  },
  {
    group: "admissionregistration.k8s.io",
    version: "v1",
    resources: {
      mutatingadmissionpolicies: [],
      mutatingadmissionpolicybindings: [],
      mutatingwebhookconfigurations: [],
      validatingadmissionpolicies: ["status"],
      validatingadmissionpolicybindings: [],
      validatingwebhookconfigurations: [],
    },
  },
  { group: "apiextensions.k8s.io", version: "v1", resources: { customresourcedefinitions: ["status"] } },
  { group: "apiregistration.k8s.io", version: "v1", resources: { apiservices: ["status"] } },
  { group: "apps", version: "v1", resources: { deployments: [] } },
  { group: "authentication.k8s.io", version: "v1", resources: { selfsubjectreviews: [], tokenreviews: [] } },
  {
    group: "authorization.k8s.io",
    version: "v1",
    resources: {
      localsubjectaccessreviews: [],
      selfsubjectaccessreviews: [],
      selfsubjectrulesreviews: [],
      subjectaccessreviews: [],
    },
  },
  { group: "coordination.k8s.io", version: "v1", resources: { leases: [] } },
  { group: "discovery.k8s.io", version: "v1", resources: { endpointslices: [] } },
  { group: "events.k8s.io", version: "v1", resources: { events: [] } },
  {
    group: "rbac.authorization.k8s.io",
    version: "v1",
    resources: { clusterrolebindings: [], clusterroles: [], rolebindings: [], roles: [] },
  },
];

/** Schemas that no kind refers to, but every API server publishes or validates with. */
export const machinerySchemas = [
  "APIGroup",
  "APIGroupList",
  "APIResourceList",
  "APIVersions",
  "DeleteOptions",
  "Patch",
  "Status",
  "WatchEvent",
].map((name) => `io.k8s.apimachinery.pkg.apis.meta.v1.${name}`);
