/**
 * Columns of core kinds, which kube-apiserver computes in code.
 * Source: k8s.io/kubernetes/pkg/printers/internalversion/printers.go.
 */
import type { JsonObject, JsonValue } from "../json.ts";
import { dig, isObject } from "../json.ts";
import { ageOf } from "./age.ts";
import type { TableColumn } from "./table.ts";
import { ageColumn } from "./table.ts";

const createdAt: TableColumn = {
  name: "Created At",
  type: "date",
  value: (object) => dig(object, "metadata", "creationTimestamp"),
};

function text(name: string, value: TableColumn["value"], priority = 0): TableColumn {
  return { name, type: "string", priority, value };
}

function listAt(object: unknown, ...path: string[]): JsonObject[] {
  const list = dig(object, ...path);
  return Array.isArray(list) ? list.filter(isObject) : [];
}

function countAt(object: JsonObject, ...path: string[]): number {
  const value = dig(object, ...path);
  return isObject(value) ? Object.keys(value).length : Array.isArray(value) ? value.length : 0;
}

/** Every core kind that Krate serves, by `<plural>` or `<plural>.<group>`; other kinds show Name and Age. */
export const coreColumns: Readonly<Record<string, readonly TableColumn[]>> = {
  namespaces: [text("Status", (o) => dig(o, "status", "phase")), ageColumn],
  configmaps: [text("Data", (o) => countAt(o, "data") + countAt(o, "binaryData")), ageColumn],
  secrets: [text("Type", (o) => dig(o, "type")), text("Data", (o) => countAt(o, "data")), ageColumn],
  serviceaccounts: [text("Secrets", (o) => countAt(o, "secrets")), ageColumn],
  pods: [
    text("Ready", podReady),
    text("Status", podStatus),
    text("Restarts", podRestarts),
    ageColumn,
    text("IP", (o) => dig(o, "status", "podIP") ?? "<none>", 1),
    text("Node", (o) => dig(o, "spec", "nodeName") ?? "<none>", 1),
    text("Nominated Node", (o) => dig(o, "status", "nominatedNodeName") ?? "<none>", 1),
    text("Readiness Gates", () => "<none>", 1),
  ],
  nodes: [
    text("Status", nodeStatus),
    text("Roles", nodeRoles),
    ageColumn,
    text("Version", (o) => dig(o, "status", "nodeInfo", "kubeletVersion")),
  ],
  events: eventColumns(),
  "events.events.k8s.io": eventColumns(),
  "leases.coordination.k8s.io": [text("Holder", (o) => dig(o, "spec", "holderIdentity")), ageColumn],
  "roles.rbac.authorization.k8s.io": [createdAt],
  "clusterroles.rbac.authorization.k8s.io": [createdAt],
  "rolebindings.rbac.authorization.k8s.io": roleBindingColumns(),
  "clusterrolebindings.rbac.authorization.k8s.io": roleBindingColumns(),
  "customresourcedefinitions.apiextensions.k8s.io": [createdAt],
  "validatingwebhookconfigurations.admissionregistration.k8s.io": [
    text("Webhooks", (o) => countAt(o, "webhooks")),
    ageColumn,
  ],
  "mutatingwebhookconfigurations.admissionregistration.k8s.io": [
    text("Webhooks", (o) => countAt(o, "webhooks")),
    ageColumn,
  ],
  "validatingadmissionpolicies.admissionregistration.k8s.io": [
    text("Validations", (o) => countAt(o, "spec", "validations")),
    text("ParamKind", (o) => dig(o, "spec", "paramKind", "kind") ?? "<unset>"),
    ageColumn,
  ],
  "validatingadmissionpolicybindings.admissionregistration.k8s.io": bindingColumns(),
  "mutatingadmissionpolicies.admissionregistration.k8s.io": [
    text("Mutations", (o) => countAt(o, "spec", "mutations")),
    text("ParamKind", (o) => dig(o, "spec", "paramKind", "kind") ?? "<unset>"),
    ageColumn,
  ],
  "mutatingadmissionpolicybindings.admissionregistration.k8s.io": bindingColumns(),
};

function bindingColumns(): TableColumn[] {
  return [
    text("PolicyName", (o) => dig(o, "spec", "policyName")),
    text("ParamRef", (o) => dig(o, "spec", "paramRef", "name") ?? "<unset>"),
    ageColumn,
  ];
}

function roleBindingColumns(): TableColumn[] {
  const subjects = (kind: string) => (o: JsonObject) =>
    listAt(o, "subjects")
      .filter((subject) => subject.kind === kind)
      .map((subject) =>
        kind === "ServiceAccount" ? `${String(subject.namespace)}/${String(subject.name)}` : String(subject.name),
      )
      .join(", ");
  return [
    text("Role", (o) => `${String(dig(o, "roleRef", "kind"))}/${String(dig(o, "roleRef", "name"))}`),
    ageColumn,
    text("Users", subjects("User"), 1),
    text("Groups", subjects("Group"), 1),
    text("ServiceAccounts", subjects("ServiceAccount"), 1),
  ];
}

function eventColumns(): TableColumn[] {
  const seen = (o: JsonObject): JsonValue | undefined =>
    dig(o, "series", "lastObservedTime") ??
    dig(o, "lastTimestamp") ??
    dig(o, "deprecatedLastTimestamp") ??
    dig(o, "eventTime") ??
    dig(o, "metadata", "creationTimestamp");
  const subject = (o: JsonObject) =>
    isObject(o.regarding) ? o.regarding : isObject(o.involvedObject) ? o.involvedObject : {};
  return [
    text("Last Seen", (o, now) => ageOf(seen(o), now)),
    text("Type", (o) => dig(o, "type")),
    text("Reason", (o) => dig(o, "reason")),
    text("Object", (o) => `${String(subject(o).kind ?? "").toLowerCase()}/${String(subject(o).name ?? "")}`),
    text("Message", (o) => String(dig(o, "message") ?? dig(o, "note") ?? "").trim()),
    text("Count", (o) => dig(o, "series", "count") ?? dig(o, "count") ?? dig(o, "deprecatedCount") ?? 1, 1),
    text("Name", (o) => dig(o, "metadata", "name"), 1),
  ];
}

function podReady(pod: JsonObject): string {
  const ready = listAt(pod, "status", "containerStatuses").filter((status) => status.ready === true).length;
  return `${ready}/${countAt(pod, "spec", "containers")}`;
}

/** The phase, or what keeps a container from running, as kubectl's users know it: Completed, Error, CrashLoopBackOff, Terminating. */
function podStatus(pod: JsonObject): string {
  if (dig(pod, "metadata", "deletionTimestamp") !== undefined) return "Terminating";
  let status = String(dig(pod, "status", "reason") ?? dig(pod, "status", "phase") ?? "Unknown");
  for (const container of listAt(pod, "status", "containerStatuses").reverse()) {
    const waiting = dig(container, "state", "waiting", "reason");
    const terminated = dig(container, "state", "terminated");
    if (typeof waiting === "string" && waiting !== "") status = waiting;
    else if (isObject(terminated)) {
      const code =
        terminated.signal !== undefined && terminated.signal !== 0
          ? `Signal:${String(terminated.signal)}`
          : `ExitCode:${String(terminated.exitCode)}`;
      status = typeof terminated.reason === "string" && terminated.reason !== "" ? terminated.reason : code;
    }
  }
  return status;
}

function podRestarts(pod: JsonObject): string {
  const counts = listAt(pod, "status", "containerStatuses").map((status) => Number(status.restartCount ?? 0));
  return String(counts.reduce((sum, count) => sum + count, 0));
}

function nodeStatus(node: JsonObject): string {
  const ready = listAt(node, "status", "conditions").find((condition) => condition.type === "Ready");
  const status = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  return dig(node, "spec", "unschedulable") === true ? `${status},SchedulingDisabled` : status;
}

function nodeRoles(node: JsonObject): string {
  const labels = dig(node, "metadata", "labels");
  const prefix = "node-role.kubernetes.io/";
  const roles = Object.keys(isObject(labels) ? labels : {}).filter((key) => key.startsWith(prefix));
  return roles.length === 0
    ? "<none>"
    : roles
        .map((key) => key.slice(prefix.length))
        .sort()
        .join(",");
}
