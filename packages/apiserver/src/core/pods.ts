/** Pods and Nodes as a server without kubelets of its own sees them. Source: k8s.io/kubernetes/pkg/registry/core/pod, pkg/apis/core/v1/defaults.go. */
import { equalJson, isObject, type JsonObject, type JsonValue } from "@krate/apimachinery";
import { badRequest, conflict, type FieldError, notFound } from "@krate/kinds";
import { readAdmitted } from "../admission/subresource.ts";
import type { RequestContext } from "../context.ts";
import { encodeFor } from "../encoding.ts";
import { decodeStored, metadataOf, sectionOf, textOf, timestamp } from "../objects.ts";
import type { Strategy } from "../resources/resource.ts";

const defaultGraceSeconds = 30;
const created = 201;

function objectsIn(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export const podStrategy: Strategy = {
  complete: completeSpec,
  returnsDeletedObject: true,
  prepareForCreate: (_ctx, object) => {
    admit(object);
    object["status"] = { phase: "Pending", qosClass: "BestEffort" };
  },
  validate: (ctx, object, old) =>
    old === undefined || ctx.target.subresource !== "" ? [] : validateUpdate(object, old),
  gracePeriodSeconds,
};

function completeSpec(object: JsonObject): void {
  const spec = sectionOf(object, "spec");
  object["spec"] = spec;
  spec["restartPolicy"] ??= "Always";
  spec["terminationGracePeriodSeconds"] ??= defaultGraceSeconds;
  spec["dnsPolicy"] ??= "ClusterFirst";
  spec["securityContext"] ??= {};
  spec["schedulerName"] ??= "default-scheduler";
  spec["enableServiceLinks"] ??= true;
  for (const container of [...objectsIn(spec["initContainers"]), ...objectsIn(spec["containers"])])
    completeContainer(container);
  completeVolumes(spec);
}

const tolerationSeconds = 300;

/** What kube-apiserver's own admission plugins set (ServiceAccount, Priority, DefaultTolerationSeconds): owned by nobody. */
function admit(object: JsonObject): void {
  const spec = sectionOf(object, "spec");
  spec["serviceAccountName"] ??= "default";
  spec["serviceAccount"] ??= spec["serviceAccountName"];
  spec["preemptionPolicy"] ??= "PreemptLowerPriority";
  spec["priority"] ??= 0;
  const tolerations = objectsIn(spec["tolerations"]);
  for (const key of ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]) {
    if (tolerations.some((each) => each["key"] === key || each["key"] === undefined)) continue;
    tolerations.push({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds });
  }
  spec["tolerations"] = tolerations;
}

function completeContainer(container: JsonObject): void {
  const image = textOf(container["image"]);
  container["imagePullPolicy"] ??= image.endsWith(":latest") || !/:[^/]+$/.test(image) ? "Always" : "IfNotPresent";
  container["terminationMessagePath"] ??= "/dev/termination-log";
  container["terminationMessagePolicy"] ??= "File";
  container["resources"] ??= {};
  for (const port of objectsIn(container["ports"])) port["protocol"] ??= "TCP";
  for (const variable of objectsIn(container["env"])) {
    const field = isObject(variable["valueFrom"]) ? variable["valueFrom"]["fieldRef"] : undefined;
    if (isObject(field)) field["apiVersion"] ??= "v1";
  }
}

const defaultFileMode = 0o644;

function completeVolumes(spec: JsonObject): void {
  for (const volume of objectsIn(spec["volumes"])) {
    for (const key of ["secret", "configMap", "projected", "downwardAPI"]) {
      const source = volume[key];
      if (isObject(source)) source["defaultMode"] ??= defaultFileMode;
    }
    const projected = isObject(volume["projected"]) ? objectsIn(volume["projected"]["sources"]) : [];
    for (const { serviceAccountToken } of projected) {
      if (isObject(serviceAccountToken)) serviceAccountToken["expirationSeconds"] ??= 3600;
    }
  }
}

/** Only what Kubernetes lets change in a running Pod's spec. */
function validateUpdate(object: JsonObject, old: JsonObject): FieldError[] {
  if (equalJson(fixedPart(object), fixedPart(old))) return [];
  return [
    {
      reason: "FieldValueForbidden",
      field: "spec",
      message:
        "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
    },
  ];
}

function fixedPart(object: JsonObject): JsonObject {
  const {
    activeDeadlineSeconds: _a,
    tolerations: _t,
    terminationGracePeriodSeconds: _g,
    ...spec
  } = sectionOf(object, "spec");
  const withoutImages = (containers: JsonValue | undefined): JsonValue =>
    objectsIn(containers).map(({ image: _image, imagePullPolicy: _policy, ...container }) => container);
  return {
    ...spec,
    containers: withoutImages(spec["containers"]),
    initContainers: withoutImages(spec["initContainers"]),
  };
}

/** A Pod that no node has, or that is over, goes at once. Source: pkg/registry/core/pod/strategy.go:CheckGracefulDelete. */
function gracePeriodSeconds(object: JsonObject, requested: number | undefined): number {
  const spec = sectionOf(object, "spec");
  const { phase } = sectionOf(object, "status");
  if (textOf(spec["nodeName"]) === "" || phase === "Succeeded" || phase === "Failed") return 0;
  return requested ?? Number(spec["terminationGracePeriodSeconds"] ?? defaultGraceSeconds);
}

/** `pods/binding`: gives a Pod to a node. 409 when it has one. */
export async function bindPod(ctx: RequestContext): Promise<void> {
  const binding = await readAdmitted(ctx);
  const { namespace, name } = ctx.target;
  const target = { plural: "pods/binding", name };
  if (textOf(metadataOf(binding)["name"]) !== name)
    throw badRequest("name in URL does not match name in Binding object");
  const node = textOf((binding["target"] as JsonObject | undefined)?.["name"]);
  const key = { group: "", resource: "pods", namespace, name };
  if ((await ctx.services.store.get(key)) === undefined) throw notFound({ plural: "pods", name });
  const now = timestamp(ctx.services.now());
  await ctx.services.store.update(key, {}, (stored) => {
    const pod = decodeStored(stored);
    const spec = sectionOf(pod, "spec");
    const current = textOf(spec["nodeName"]);
    if (current !== "") throw conflict(target, `pod ${name} is already assigned to node "${current}"`);
    if (metadataOf(pod)["deletionTimestamp"] !== undefined) {
      throw conflict(target, `pod ${name} is being deleted, cannot be assigned to a host`);
    }
    pod["spec"] = { ...spec, nodeName: node };
    const status = sectionOf(pod, "status");
    const others = objectsIn(status["conditions"]).filter((condition) => condition["type"] !== "PodScheduled");
    const scheduled = { type: "PodScheduled", status: "True", lastProbeTime: null, lastTransitionTime: now };
    pod["status"] = { ...status, conditions: [...others, scheduled] };
    return { do: "replace", object: encodeFor(ctx.served, pod) };
  });
  ctx.result = {
    kind: "value",
    status: created,
    value: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: created },
  };
}

/** `pods/eviction`: a deletion; there are no disruption budgets here. */
export async function evictPod(ctx: RequestContext): Promise<void> {
  await readAdmitted(ctx);
  const { namespace, name } = ctx.target;
  const { store, now } = ctx.services;
  const key = { group: "", resource: "pods", namespace, name };
  const stored = await store.get(key);
  if (stored === undefined) throw notFound({ plural: "pods", name });
  const grace = gracePeriodSeconds(decodeStored(stored), undefined);
  await store.update(key, {}, (current) => {
    const pod = decodeStored(current);
    const metadata = metadataOf(pod);
    if (metadata["deletionTimestamp"] !== undefined) return { do: "keep" };
    if (grace === 0 && !Array.isArray(metadata["finalizers"])) return { do: "remove" };
    metadata["deletionTimestamp"] = timestamp(new Date(now().getTime() + grace * 1000));
    metadata["deletionGracePeriodSeconds"] = grace;
    return { do: "replace", object: encodeFor(ctx.served, pod) };
  });
  ctx.result = {
    kind: "value",
    status: created,
    value: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: created },
  };
}

export const nodeStrategy: Strategy = {
  prepareForCreate: (_ctx, object) => {
    object["spec"] ??= {};
  },
};
