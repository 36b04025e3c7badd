/** Cells of the Pod Table. Source: k8s.io/kubernetes/pkg/printers/internalversion/printers.go:printPod. */
import { ageOf, dig, isObject, type JsonObject, type JsonValue } from "@krate/apimachinery";
import { metadataOf, sectionOf, textOf } from "../objects.ts";

const none = "<none>";

function listIn(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function statuses(pod: JsonObject, key = "containerStatuses"): JsonObject[] {
  return listIn(sectionOf(pod, "status")[key]);
}

/** One word for where a Pod stands: the reason of the container that is worst off, else the phase. */
export function podStatus(pod: JsonObject): string {
  const status = sectionOf(pod, "status");
  let reason = textOf(status["reason"]) || textOf(status["phase"]);
  for (const container of [...statuses(pod)].reverse()) {
    const waiting = textOf(dig(container, "state", "waiting", "reason"));
    const terminated = dig(container, "state", "terminated");
    if (waiting !== "") reason = waiting;
    else if (isObject(terminated)) reason = terminatedReason(terminated);
  }
  if (metadataOf(pod)["deletionTimestamp"] === undefined) return reason;
  if (textOf(status["reason"]) === "NodeLost") return "Unknown";
  return status["phase"] === "Succeeded" || status["phase"] === "Failed" ? reason : "Terminating";
}

function terminatedReason(terminated: JsonObject): string {
  const reason = textOf(terminated["reason"]);
  if (reason !== "") return reason;
  const { signal } = terminated;
  return typeof signal === "number" && signal !== 0 ? `Signal:${signal}` : `ExitCode:${terminated["exitCode"] ?? ""}`;
}

function restarts(pod: JsonObject, now: Date): string {
  const containers = statuses(pod);
  const count = containers.reduce((sum, container) => sum + Number(container["restartCount"] ?? 0), 0);
  const last = containers
    .map((container) => textOf(dig(container, "lastState", "terminated", "finishedAt")))
    .sort()
    .at(-1);
  return count > 0 && last !== undefined && last !== "" ? `${count} (${ageOf(last, now)} ago)` : String(count);
}

function readinessGates(pod: JsonObject): string {
  const gates = listIn(sectionOf(pod, "spec")["readinessGates"]);
  if (gates.length === 0) return none;
  const conditions = listIn(sectionOf(pod, "status")["conditions"]);
  const met = gates.filter((gate) =>
    conditions.some((condition) => condition["type"] === gate["conditionType"] && condition["status"] === "True"),
  );
  return `${met.length}/${gates.length}`;
}

export const podCells: Readonly<Record<string, (pod: JsonObject, now: Date) => JsonValue>> = {
  Ready: (pod) =>
    `${statuses(pod).filter((container) => container["ready"] === true).length}/${listIn(sectionOf(pod, "spec")["containers"]).length}`,
  Status: podStatus,
  Restarts: restarts,
  IP: (pod) => textOf(sectionOf(pod, "status")["podIP"]) || none,
  Node: (pod) => textOf(sectionOf(pod, "spec")["nodeName"]) || none,
  "Nominated Node": (pod) => textOf(sectionOf(pod, "status")["nominatedNodeName"]) || none,
  "Readiness Gates": readinessGates,
};
