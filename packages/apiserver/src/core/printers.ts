/**
 * Cells of the core kinds' Tables, by column name.
 * Source: k8s.io/kubernetes/pkg/printers/internalversion/printers.go.
 */
import { ageOf, dig, isObject, type JsonObject, type JsonValue } from "@krate/apimachinery";
import { metadataOf, sectionOf, textOf } from "../objects.ts";
import { podCells } from "./pod-printer.ts";

export type Printer = Readonly<Record<string, (object: JsonObject, now: Date) => JsonValue>>;

const none = "<none>";

export function listOf(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function textsOf(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function joined(values: readonly string[], empty = none): string {
  return values.length === 0 ? empty : values.join(",");
}

function countOf(value: JsonValue | undefined): number {
  return Array.isArray(value) ? value.length : isObject(value) ? Object.keys(value).length : 0;
}

function path(...keys: string[]): (object: JsonObject) => JsonValue {
  return (object) => dig(object, ...keys) ?? "";
}

function pathOrNone(...keys: string[]): (object: JsonObject) => JsonValue {
  return (object) => textOf(dig(object, ...keys)) || none;
}

const roleBinding: Printer = {
  Role: (object) => `${textOf(dig(object, "roleRef", "kind"))}/${textOf(dig(object, "roleRef", "name"))}`,
  Users: (object) => joined(subjects(object, "User"), ""),
  Groups: (object) => joined(subjects(object, "Group"), ""),
  ServiceAccounts: (object) => joined(subjects(object, "ServiceAccount"), ""),
};

function subjects(object: JsonObject, kind: string): string[] {
  return listOf(object["subjects"])
    .filter((subject) => subject["kind"] === kind)
    .map(({ namespace, name }) => (kind === "ServiceAccount" ? `${textOf(namespace)}/${textOf(name)}` : textOf(name)));
}

const event: Printer = {
  "Last Seen": (object, now) =>
    ageOf(
      dig(object, "series", "lastObservedTime") ??
        object["lastTimestamp"] ??
        object["deprecatedLastTimestamp"] ??
        object["eventTime"],
      now,
    ),
  Type: path("type"),
  Reason: path("reason"),
  Object: (object) => {
    const about = (object["involvedObject"] ?? object["regarding"]) as JsonObject | undefined;
    return `${textOf(about?.["kind"]).toLowerCase()}/${textOf(about?.["name"])}`;
  },
  Subobject: (object) => textOf(dig(object["involvedObject"] ?? object["regarding"], "fieldPath")),
  Source: (object) =>
    textOf(dig(object, "source", "component")) || textOf(object["reportingComponent"] ?? object["reportingController"]),
  Message: (object) => textOf(object["message"] ?? object["note"]).trim(),
  "First Seen": (object, now) =>
    ageOf(object["firstTimestamp"] ?? object["deprecatedFirstTimestamp"] ?? object["eventTime"], now),
  Count: (object) => dig(object, "series", "count") ?? object["count"] ?? object["deprecatedCount"] ?? 1,
};

const node: Printer = {
  Status: (object) => {
    const ready = listOf(sectionOf(object, "status")["conditions"]).find((condition) => condition["type"] === "Ready");
    const status = ready === undefined ? "Unknown" : ready["status"] === "True" ? "Ready" : "NotReady";
    return sectionOf(object, "spec")["unschedulable"] === true ? `${status},SchedulingDisabled` : status;
  },
  Roles: (object) => {
    const prefix = "node-role.kubernetes.io/";
    const names = Object.keys((metadataOf(object)["labels"] as JsonObject | undefined) ?? {});
    return joined(
      names
        .filter((name) => name.startsWith(prefix))
        .map((name) => name.slice(prefix.length))
        .sort(),
    );
  },
  Version: path("status", "nodeInfo", "kubeletVersion"),
  "Internal-IP": (object) => nodeAddress(object, "InternalIP"),
  "External-IP": (object) => nodeAddress(object, "ExternalIP"),
  "OS-Image": (object) => textOf(dig(object, "status", "nodeInfo", "osImage")) || "<unknown>",
  "Kernel-Version": (object) => textOf(dig(object, "status", "nodeInfo", "kernelVersion")) || "<unknown>",
  "Container-Runtime": (object) => textOf(dig(object, "status", "nodeInfo", "containerRuntimeVersion")) || "<unknown>",
};

function nodeAddress(object: JsonObject, type: string): string {
  const found = listOf(sectionOf(object, "status")["addresses"]).find((address) => address["type"] === type);
  return textOf(found?.["address"]) || none;
}

const service: Printer = {
  Type: path("spec", "type"),
  "Cluster-IP": pathOrNone("spec", "clusterIP"),
  "External-IP": (object) =>
    sectionOf(object, "spec")["type"] === "ExternalName"
      ? textOf(dig(object, "spec", "externalName"))
      : joined(textsOf(dig(object, "spec", "externalIPs"))),
  "Port(s)": (object) =>
    joined(
      listOf(dig(object, "spec", "ports")).map(({ port, nodePort, protocol }) =>
        nodePort === undefined || nodePort === 0
          ? `${port}/${protocol ?? "TCP"}`
          : `${port}:${nodePort}/${protocol ?? "TCP"}`,
      ),
    ),
  Selector: (object) => labelPairs(dig(object, "spec", "selector")),
};

function labelPairs(value: JsonValue | undefined): string {
  return isObject(value)
    ? joined(
        Object.entries(value)
          .map(([key, each]) => `${key}=${String(each)}`)
          .sort(),
      )
    : none;
}

function kindReference(value: JsonValue | undefined): string {
  return isObject(value) ? `${textOf(value["apiVersion"])}/${textOf(value["kind"])}` : "<unset>";
}

const policy: Printer = {
  Validations: (object) => countOf(dig(object, "spec", "validations")),
  Mutations: (object) => countOf(dig(object, "spec", "mutations")),
  ParamKind: (object) => kindReference(dig(object, "spec", "paramKind")),
};

const policyBinding: Printer = {
  PolicyName: path("spec", "policyName"),
  ParamRef: (object) => {
    const reference = dig(object, "spec", "paramRef");
    if (!isObject(reference)) return "<unset>";
    const namespace = textOf(reference["namespace"]);
    return `${namespace === "" ? "*" : namespace}/${textOf(reference["name"]) || "*"}`;
  },
};

const webhooks: Printer = { Webhooks: (object) => countOf(object["webhooks"]) };

const admission = "admissionregistration.k8s.io";
const rbac = "rbac.authorization.k8s.io";

/** By kind, with its group unless it is core. */
export const printers: Readonly<Record<string, Printer>> = {
  ConfigMap: { Data: (object) => countOf(object["data"]) + countOf(object["binaryData"]) },
  Secret: { Type: path("type"), Data: (object) => countOf(object["data"]) },
  Namespace: { Status: path("status", "phase") },
  Node: node,
  Pod: podCells,
  Service: service,
  Endpoints: {
    Endpoints: (object) =>
      joined(
        listOf(object["subsets"]).flatMap((subset) =>
          listOf(subset["addresses"]).flatMap(({ ip }) => {
            const ports = listOf(subset["ports"]);
            return ports.length === 0 ? [textOf(ip)] : ports.map(({ port }) => `${textOf(ip)}:${port}`);
          }),
        ),
      ),
  },
  Event: event,
  "Event.events.k8s.io": event,
  "Lease.coordination.k8s.io": { Holder: path("spec", "holderIdentity") },
  "EndpointSlice.discovery.k8s.io": {
    AddressType: path("addressType"),
    Ports: (object) =>
      joined(
        listOf(object["ports"]).map(({ port }) => String(port)),
        "<unset>",
      ),
    Endpoints: (object) =>
      joined(
        listOf(object["endpoints"]).flatMap(({ addresses }) => textsOf(addresses)),
        "<unset>",
      ),
  },
  [`RoleBinding.${rbac}`]: roleBinding,
  [`ClusterRoleBinding.${rbac}`]: roleBinding,
  [`ValidatingAdmissionPolicy.${admission}`]: policy,
  [`MutatingAdmissionPolicy.${admission}`]: policy,
  [`ValidatingAdmissionPolicyBinding.${admission}`]: policyBinding,
  [`MutatingAdmissionPolicyBinding.${admission}`]: policyBinding,
  [`ValidatingWebhookConfiguration.${admission}`]: webhooks,
  [`MutatingWebhookConfiguration.${admission}`]: webhooks,
  "APIService.apiregistration.k8s.io": {
    Service: (object) => {
      const reference = dig(object, "spec", "service");
      return isObject(reference) ? `${textOf(reference["namespace"])}/${textOf(reference["name"])}` : "Local";
    },
    Available: (object) => {
      const condition = listOf(dig(object, "status", "conditions")).find((each) => each["type"] === "Available");
      if (condition === undefined) return "Unknown";
      return condition["status"] === "True"
        ? "True"
        : `${textOf(condition["status"])} (${textOf(condition["reason"])})`;
    },
  },
};
