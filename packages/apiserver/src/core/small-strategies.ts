/** Core kinds with a rule or two. Each names its source in k8s.io/kubernetes/pkg/registry or pkg/apis. */
import { equalJson, isObject, type JsonObject, type JsonValue } from "@krate/apimachinery";
import type { FieldError } from "@krate/kinds";
import { metadataOf, sectionOf, textOf, timestamp } from "../objects.ts";
import type { Strategy } from "../resources/resource.ts";

function forbiddenField(field: string, detail: string): FieldError {
  return { reason: "FieldValueForbidden", field, message: `Forbidden: ${detail}` };
}

function immutableErrors(object: JsonObject, old: JsonObject | undefined, fields: readonly string[]): FieldError[] {
  if (old?.["immutable"] !== true) return [];
  const changed = fields.filter((field) => !equalJson(object[field], old[field]));
  const errors = changed.map((field) => forbiddenField(field, "field is immutable when `immutable` is set"));
  if (object["immutable"] !== true)
    errors.push(forbiddenField("immutable", "field is immutable when `immutable` is set"));
  return errors;
}

const dataKey = /^[-._a-zA-Z0-9]{1,253}$/;

function keyErrors(data: JsonValue | undefined, field: string): FieldError[] {
  if (!isObject(data)) return [];
  return Object.keys(data)
    .filter((key) => !dataKey.test(key) || key === "." || key === ".." || key.startsWith(".."))
    .map((key) => ({
      reason: "FieldValueInvalid" as const,
      field: `${field}[${key}]`,
      message: `Invalid value: ${JSON.stringify(key)}: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
    }));
}

/** pkg/registry/core/configmap */
export const configMapStrategy: Strategy = {
  validate: (_ctx, object, old) => [
    ...keyErrors(object["data"], "data"),
    ...keyErrors(object["binaryData"], "binaryData"),
    ...immutableErrors(object, old, ["data", "binaryData"]),
  ],
};

function mergeStringData(object: JsonObject): void {
  const { stringData } = object;
  delete object["stringData"];
  if (isObject(stringData)) {
    const data = isObject(object["data"]) ? { ...object["data"] } : {};
    for (const [key, value] of Object.entries(stringData)) data[key] = Buffer.from(String(value)).toString("base64");
    object["data"] = data;
  }
  object["type"] ??= "Opaque";
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** pkg/registry/core/secret; `stringData` is written, never read. */
export const secretStrategy: Strategy = {
  complete: mergeStringData,
  validate: (_ctx, object, old) => {
    const errors = [...keyErrors(object["data"], "data"), ...immutableErrors(object, old, ["data"])];
    for (const [key, value] of Object.entries(isObject(object["data"]) ? object["data"] : {})) {
      if (base64.test(textOf(value).replaceAll(/\s/g, ""))) continue;
      errors.push({
        reason: "FieldValueInvalid",
        field: `data[${key}]`,
        message: 'Invalid value: "<secret contents redacted>": must be base64',
      });
    }
    if (old !== undefined && object["type"] !== old["type"]) {
      errors.push({
        reason: "FieldValueInvalid",
        field: "type",
        message: `Invalid value: ${JSON.stringify(object["type"])}: field is immutable`,
      });
    }
    return errors;
  },
};

/** pkg/registry/core/service: no addresses are given out; what a client asks for is kept. */
export const serviceStrategy: Strategy = {
  complete: completeService,
  returnsDeletedObject: true,
  prepareForCreate: (_ctx, object) => {
    object["status"] = { loadBalancer: {} };
  },
};

function completeService(object: JsonObject): void {
  const spec = sectionOf(object, "spec");
  spec["type"] ??= "ClusterIP";
  spec["sessionAffinity"] ??= "None";
  if (spec["type"] !== "ExternalName") spec["internalTrafficPolicy"] ??= "Cluster";
  for (const port of Array.isArray(spec["ports"]) ? spec["ports"].filter(isObject) : []) {
    port["protocol"] ??= "TCP";
    port["targetPort"] ??= port["port"];
  }
  object["spec"] = spec;
}

/** pkg/registry/core/event and events: kept as written; times filled so that tables have something to show. */
export const eventStrategy: Strategy = {
  prepareForCreate: (ctx, object) => {
    if (object["firstTimestamp"] === undefined && object["eventTime"] === undefined) {
      object["firstTimestamp"] = timestamp(ctx.services.now());
    }
    metadataOf(object);
  },
};

/** pkg/registry/rbac: roleRef may not change. */
export const roleBindingStrategy: Strategy = {
  complete: completeSubjects,
  validate: (_ctx, object, old) => {
    if (old === undefined || equalJson(object["roleRef"], old["roleRef"])) return [];
    const { apiGroup: APIGroup, kind: Kind, name: Name } = object["roleRef"] as JsonObject;
    const message = `Invalid value: ${JSON.stringify({ APIGroup, Kind, Name })}: cannot change roleRef`;
    return [{ reason: "FieldValueInvalid", field: "roleRef", message }];
  },
};

/** pkg/apis/rbac/validation:ValidatePolicyRule */
export const roleStrategy: Strategy = {
  validate: (ctx, object) => {
    const rules = Array.isArray(object["rules"]) ? object["rules"].filter(isObject) : [];
    return rules.flatMap((rule, at) => ruleErrors(rule, `rules[${at}]`, ctx.served.namespaced));
  },
};

function ruleErrors(rule: JsonObject, path: string, namespaced: boolean): FieldError[] {
  const has = (key: string) => Array.isArray(rule[key]) && rule[key].length > 0;
  const required = (key: string, detail: string): FieldError => ({
    reason: "FieldValueRequired",
    field: `${path}.${key}`,
    message: `Required value: ${detail}`,
  });
  if (!has("verbs")) return [required("verbs", "verbs must contain at least one value")];
  if (has("nonResourceURLs")) {
    const value = JSON.stringify(rule["nonResourceURLs"]);
    const wrong = (detail: string): FieldError[] => [
      { reason: "FieldValueInvalid", field: `${path}.nonResourceURLs`, message: `Invalid value: ${value}: ${detail}` },
    ];
    if (namespaced) return wrong("namespaced rules cannot apply to non-resource URLs");
    return has("apiGroups") || has("resources") || has("resourceNames")
      ? wrong("rules cannot apply to both regular resources and non-resource URLs")
      : [];
  }
  if (!has("apiGroups")) return [required("apiGroups", "resource rules must supply at least one api group")];
  return has("resources") ? [] : [required("resources", "resource rules must supply at least one resource")];
}

function completeSubjects(object: JsonObject): void {
  const group = "rbac.authorization.k8s.io";
  if (isObject(object["roleRef"])) object["roleRef"]["apiGroup"] ||= group;
  for (const subject of Array.isArray(object["subjects"]) ? object["subjects"].filter(isObject) : []) {
    if (subject["kind"] === "User" || subject["kind"] === "Group") subject["apiGroup"] ??= group;
    else if (subject["apiGroup"] === "") delete subject["apiGroup"];
  }
}

/** pkg/apis/coordination/validation */
export const leaseStrategy: Strategy = {
  validate: (_ctx, object) => {
    const { leaseDurationSeconds, leaseTransitions } = sectionOf(object, "spec");
    const wrong = (field: string, value: unknown, detail: string): FieldError => ({
      reason: "FieldValueInvalid",
      field: `spec.${field}`,
      message: `Invalid value: ${JSON.stringify(value)}: ${detail}`,
    });
    return [
      ...(typeof leaseDurationSeconds === "number" && leaseDurationSeconds <= 0
        ? [wrong("leaseDurationSeconds", leaseDurationSeconds, "must be greater than 0")]
        : []),
      ...(typeof leaseTransitions === "number" && leaseTransitions < 0
        ? [wrong("leaseTransitions", leaseTransitions, "must be greater than or equal to 0")]
        : []),
    ];
  },
};
