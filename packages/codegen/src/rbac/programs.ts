/**
 * Who writes what (kinds.md §3, PER-04): one ServiceAccount per program with exactly these rules. Controllers write spec
 * only where kinds.md names them as writer; everything else they write is the status subresource.
 */
import { configGroup, platformNamespace, recordGroup } from "@krate/kinds";
import { allow, type PolicyRule, read } from "./rules.ts";

export interface ProgramAccess {
  /** Everywhere. */
  cluster: PolicyRule[];
  /** In the platform namespace only. */
  platform?: PolicyRule[];
  /** Built-in ClusterRoles bound as well. */
  alsoBind?: string[];
}

const config = (resources: string[], verbs: readonly string[]) => allow(configGroup, resources, verbs);
const records = (resources: string[], verbs: readonly string[]) => allow(recordGroup, resources, verbs);
/** What a controller needs to reconcile: read, and write of finalizers and metadata. */
const reconcile = [...read, "update", "patch"];
const status = ["get", "update", "patch"];

const namespaces = allow("", ["namespaces"], read);
const events = [allow("", ["events"], ["create", "patch"]), allow("events.k8s.io", ["events"], ["create", "patch"])];
const reviews = [
  allow("authentication.k8s.io", ["tokenreviews"], ["create"]),
  allow("authorization.k8s.io", ["subjectaccessreviews"], ["create"]),
];
/** Leader lease and the cursors of log consumers. */
const controllerState = [
  allow("coordination.k8s.io", ["leases"], ["get", "create", "update", "patch"]),
  allow("", ["configmaps"], [...read, "create", "update", "patch"]),
];

const agentKinds = [
  "agentconfiggrants",
  "agentcontextlabels",
  "agentmcpservers",
  "agentrolebindings",
  "agentsecretgrants",
  "agentserviceaccounts",
  "agentskills",
  "agentstacks",
  "agentsubagents",
  "agenttoolprofiles",
  "agentworkspacepolicies",
];

export const programs: Record<string, ProgramAccess> = {
  apiserver: {
    cluster: [
      namespaces,
      ...reviews,
      ...events,
      allow("", ["configmaps"], read),
      // Registers itself where no chart does it.
      allow("", ["services"], [...read, "create", "patch"]),
      allow("apiregistration.k8s.io", ["apiservices"], ["get", "create", "patch"]),
      allow("admissionregistration.k8s.io", ["*"], read),
      config(
        [
          "repositories",
          "branchprotections",
          "mergequeues",
          "refpolicies",
          "runnerpools",
          "organizations",
          "orgnamespacebindings",
          "teams",
          "users",
        ],
        read,
      ),
    ],
    alsoBind: ["system:auth-delegator"],
  },
  "git-gateway": {
    cluster: [
      namespaces,
      ...reviews,
      ...events,
      config(["repositories", "branchprotections", "refpolicies", "sshkeys", "gpgkeys", "runnerpools"], read),
      // When a key was last used.
      config(["sshkeys/status"], ["patch"]),
      // Who the owner of a key is to Kubernetes.
      config(["users", "teams", "identitymappings"], read),
      records(["pullrequests", "pipelines", "jobs"], read),
      records(["gitevents"], ["get", "list", "create"]),
      allow("", ["configmaps"], read),
      // Says on the policy bundle which version it enforces.
      { ...allow("", ["configmaps"], ["patch"]), resourceNames: ["krate-refpolicy"] },
      allow("", ["pods", "serviceaccounts"], ["get"]),
    ],
  },
  "repository-operator": {
    cluster: [
      namespaces,
      ...events,
      // Whether who applies a suggestion may push, and who merges may close an issue elsewhere.
      allow("authorization.k8s.io", ["subjectaccessreviews"], ["create"]),
      config(["repositories", "sshkeys", "repositorypermissions", "mergequeues"], reconcile),
      config(
        [
          "repositories/status",
          "sshkeys/status",
          "repositorypermissions/status",
          "branchprotections/status",
          "mergequeues/status",
        ],
        status,
      ),
      config(["repositories/content", "repositories/admin"], ["get", "update"]),
      config(["branchprotections", "refpolicies", "organizations", "users", "teams"], read),
      records(["pullrequests", "reviewcomments"], reconcile),
      records(["pullrequests/status", "reviews/status", "reviewcomments/status", "issues/status"], status),
      records(["issues"], reconcile),
      records(["patchsets"], [...read, "create", "delete"]),
      records(["reviews", "issuecomments", "checkruns", "pipelines", "gitevents"], read),
      // The policy bundle of each organization namespace.
      allow("", ["configmaps"], read),
      // Previews of pull requests, where Argo CD is installed.
      allow("argoproj.io", ["applicationsets"], [...read, "create", "patch", "delete"]),
      allow("argoproj.io", ["applications"], ["get"]),
    ],
    platform: controllerState,
  },
  "runner-operator": {
    cluster: [
      namespaces,
      ...events,
      config(["runnerpools"], reconcile),
      config(["runnerpools/status"], status),
      config(["repositories", "branchprotections"], read),
      config(["repositories/content"], ["get"]),
      records(["gitevents", "pullrequests"], read),
      records(["pullrequests/status"], status),
      records(["pipelines"], [...reconcile, "create"]),
      records(["jobs", "checkruns"], [...reconcile, "create", "delete"]),
      records(["pipelines/status", "jobs/status", "checkruns/status"], status),
      records(["jobs/log"], ["get", "update"]),
      allow("", ["pods"], [...reconcile, "create", "delete"]),
      allow("", ["pods/log"], ["get"]),
      allow("", ["serviceaccounts"], [...read, "create", "patch", "delete"]),
      allow("", ["nodes", "events", "resourcequotas"], read),
      allow("rbac.authorization.k8s.io", ["rolebindings", "clusterrolebindings"], read),
    ],
    platform: controllerState,
  },
  "webhook-dispatcher": {
    cluster: [
      namespaces,
      ...events,
      config(["webhooksubscriptions"], reconcile),
      config(["webhooksubscriptions/status"], status),
      config(["repositories"], read),
      records(["webhookdeliveries"], [...reconcile, "create", "delete"]),
      records(["webhookdeliveries/status"], status),
      records(
        [
          "gitevents",
          "pullrequests",
          "issues",
          "reviews",
          "issuecomments",
          "reviewcomments",
          "pipelines",
          "jobs",
          "checkruns",
        ],
        read,
      ),
      allow("", ["secrets"], [...read, "create", "patch"]),
    ],
    platform: controllerState,
  },
  "refpolicy-compiler": {
    cluster: [
      namespaces,
      ...events,
      config(["refpolicies", "branchprotections"], reconcile),
      config(["refpolicies/status", "branchprotections/status", "repositories/status"], status),
      config(["repositories"], read),
      records(["gitevents"], read),
      allow("", ["configmaps"], [...reconcile, "create", "delete"]),
    ],
    platform: controllerState,
  },
  "code-search": {
    cluster: [
      namespaces,
      ...reviews,
      ...events,
      config(["repositories"], read),
      config(["repositories/status"], status),
      // Reads the code of every repository, and shows each caller only what the caller may read.
      config(["repositories/content"], ["get"]),
      records(["gitevents"], read),
    ],
    platform: controllerState,
  },
  "agent-stack-controller": {
    cluster: [
      namespaces,
      ...events,
      config(agentKinds, reconcile),
      config(
        agentKinds.map((plural) => `${plural}/status`),
        status,
      ),
      config(["runnerpools", "repositories", "users", "teams"], read),
      allow("", ["secrets", "configmaps"], ["get", "list", "watch"]),
      allow("", ["serviceaccounts"], [...reconcile, "create", "delete"]),
      allow("rbac.authorization.k8s.io", ["roles", "clusterroles"], read),
      allow("rbac.authorization.k8s.io", ["rolebindings"], [...reconcile, "create", "delete"]),
    ],
    platform: controllerState,
  },
  "process-node": {
    cluster: [
      ...events,
      allow("", ["nodes"], ["get", "create", "patch"]),
      allow("", ["nodes/status"], ["patch"]),
      allow("", ["pods"], [...read, "delete"]),
      allow("", ["pods/status"], ["patch"]),
      allow("", ["pods/binding", "serviceaccounts/token"], ["create"]),
      // Environment of containers.
      allow("", ["configmaps", "secrets"], ["get"]),
      allow("coordination.k8s.io", ["leases"], ["get", "create", "patch"]),
    ],
  },
  console: {
    cluster: [
      allow("", ["users", "groups", "serviceaccounts"], ["impersonate"]),
      allow("authentication.k8s.io", ["tokenreviews"], ["create"]),
      config(["authproviders", "organizations", "orgnamespacebindings"], read),
      config(["users", "identitymappings"], [...read, "create"]),
      config(["invites"], [...read, "update", "patch"]),
    ],
  },
};

/** Namespace of every ServiceAccount above. */
export const programNamespace = platformNamespace;
