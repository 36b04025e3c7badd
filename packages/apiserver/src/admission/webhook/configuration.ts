/** MutatingWebhookConfiguration and ValidatingWebhookConfiguration objects, compiled once per stored object. */
import { admissionVariables, isObject, type JsonObject } from "@krate/apimachinery";
import { nameOf, textOf } from "../../objects.ts";
import type { ConfigKind } from "../../services.ts";
import { objectsIn } from "../attributes.ts";
import { type Condition, compileCondition } from "../conditions.ts";
import { compileRules, compileSelectors, type Rule, type Selectors } from "../match.ts";

const group = "admissionregistration.k8s.io";
export const mutatingWebhookKind: ConfigKind = {
  group,
  version: "v1",
  kind: "MutatingWebhookConfiguration",
  plural: "mutatingwebhookconfigurations",
};
export const validatingWebhookKind: ConfigKind = {
  group,
  version: "v1",
  kind: "ValidatingWebhookConfiguration",
  plural: "validatingwebhookconfigurations",
};

export interface ServiceReference {
  namespace: string;
  name: string;
  path: string;
  port: number;
}

/** Where a webhook is: a URL or a Service. */
export interface ClientConfig {
  url: string | undefined;
  service: ServiceReference | undefined;
  /** PEM; without it the CAs of the system. */
  ca: string | undefined;
}

/** The versions of AdmissionReview we speak. */
export type ReviewVersion = "v1" | "v1beta1";

/** One entry of `webhooks`. */
export interface Webhook {
  name: string;
  configuration: string;
  /** Names the entry among all configurations; for reinvocation. */
  id: string;
  client: ClientConfig;
  rules: readonly Rule[];
  /** matchPolicy Equivalent. */
  equivalent: boolean;
  selectors: Selectors;
  conditions: readonly Condition[];
  /** failurePolicy Ignore: a webhook that cannot be asked does not refuse. */
  failsOpen: boolean;
  sideEffects: string;
  timeoutSeconds: number;
  /** The first of `admissionReviewVersions` that we know. */
  reviewVersion: ReviewVersion | undefined;
  /** reinvocationPolicy IfNeeded. */
  reinvocable: boolean;
}

const defaultTimeoutSeconds = 10;
const maxTimeoutSeconds = 30;
const httpsPort = 443;

/** Of all configurations in the order they are called: by the name of the configuration, then as they are written. */
export function webhooksOf(configurations: readonly JsonObject[]): Webhook[] {
  return [...configurations].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)).flatMap(compiled);
}

const known = new WeakMap<JsonObject, readonly Webhook[]>();

/** Compiled when first needed; the cache hands out the same object until it changes. */
function compiled(configuration: JsonObject): readonly Webhook[] {
  const before = known.get(configuration);
  if (before !== undefined) return before;
  const made = compile(configuration);
  known.set(configuration, made);
  return made;
}

/** Names may repeat in one configuration, so the id has a number. Source: k8s.io/apiserver/pkg/admission/configuration. */
function compile(configuration: JsonObject): Webhook[] {
  const seen = new Map<string, number>();
  return objectsIn(configuration["webhooks"]).map((entry) => {
    const name = textOf(entry["name"]);
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    return compileEntry(entry, nameOf(configuration), `${nameOf(configuration)}/${name}/${before}`);
  });
}

export function compileEntry(entry: JsonObject, configuration: string, id: string): Webhook {
  const variables = admissionVariables({ matchCondition: true });
  const versions = Array.isArray(entry["admissionReviewVersions"]) ? entry["admissionReviewVersions"] : [];
  return {
    name: textOf(entry["name"]),
    configuration,
    id,
    client: clientOf(isObject(entry["clientConfig"]) ? entry["clientConfig"] : {}),
    rules: compileRules(entry["rules"]),
    equivalent: entry["matchPolicy"] !== "Exact",
    selectors: compileSelectors(entry),
    conditions: objectsIn(entry["matchConditions"]).map((each) => compileCondition(each, variables)),
    failsOpen: entry["failurePolicy"] === "Ignore",
    sideEffects: textOf(entry["sideEffects"]),
    timeoutSeconds: timeoutOf(entry["timeoutSeconds"]),
    reviewVersion: versions.find((each) => each === "v1" || each === "v1beta1") as ReviewVersion | undefined,
    reinvocable: entry["reinvocationPolicy"] === "IfNeeded",
  };
}

function timeoutOf(value: unknown): number {
  return typeof value === "number" && value >= 1 ? Math.min(value, maxTimeoutSeconds) : defaultTimeoutSeconds;
}

function clientOf(config: JsonObject): ClientConfig {
  const { service, caBundle } = config;
  const ca = Buffer.from(textOf(caBundle), "base64").toString("utf8");
  return {
    url: textOf(config["url"]) || undefined,
    service: isObject(service)
      ? {
          namespace: textOf(service["namespace"]),
          name: textOf(service["name"]),
          path: textOf(service["path"]),
          port: typeof service["port"] === "number" ? service["port"] : httpsPort,
        }
      : undefined,
    ca: ca === "" ? undefined : ca,
  };
}
