/** MutatingWebhookConfiguration and ValidatingWebhookConfiguration as kinds: defaults and what is refused. */
import {
  checkDns1123Subdomain,
  duplicate,
  invalidValue,
  isObject,
  type JsonObject,
  type JsonValue,
  notSupported,
  required,
} from "@krate/apimachinery";
import type { FieldError } from "@krate/kinds";
import { textOf } from "../../objects.ts";
import type { Strategy } from "../../resources/resource.ts";
import { objectsIn } from "../attributes.ts";
import { compileEntry } from "../webhook/configuration.ts";
import { checkConditions } from "./expressions.ts";
import { checkRules, checkSelectors, completeRules, oneOf } from "./match.ts";

export const validatingWebhookStrategy: Strategy = strategy({ mutating: false });
export const mutatingWebhookStrategy: Strategy = strategy({ mutating: true });

function strategy({ mutating }: { mutating: boolean }): Strategy {
  return {
    complete: (object) => {
      for (const entry of objectsIn(object["webhooks"])) complete(entry, mutating);
    },
    validate: (_ctx, object) => checkConfiguration(object),
  };
}

function complete(entry: JsonObject, mutating: boolean): void {
  entry["failurePolicy"] ??= "Fail";
  entry["matchPolicy"] ??= "Equivalent";
  entry["namespaceSelector"] ??= {};
  entry["objectSelector"] ??= {};
  entry["timeoutSeconds"] ??= 10;
  if (mutating) entry["reinvocationPolicy"] ??= "Never";
  completeRules(entry["rules"]);
  const { clientConfig } = entry;
  if (isObject(clientConfig) && isObject(clientConfig["service"])) clientConfig["service"]["port"] ??= 443;
}

function checkConfiguration(object: JsonObject): FieldError[] {
  const entries = objectsIn(object["webhooks"]);
  const names = entries.map((entry) => textOf(entry["name"]));
  return entries.flatMap((entry, index) => {
    const path = `webhooks[${index}]`;
    const repeated = names.indexOf(names[index] ?? "") < index && names[index] !== "";
    return [...checkEntry(entry, path), ...(repeated ? [duplicate(`${path}.name`, names[index] ?? "")] : [])];
  });
}

const sideEffects = ["None", "NoneOnDryRun"];
const maxTimeoutSeconds = 30;

function checkEntry(entry: JsonObject, path: string): FieldError[] {
  const selectors = checkSelectors(entry, path);
  const { timeoutSeconds: timeout } = entry;
  const inRange = typeof timeout !== "number" || (timeout >= 1 && timeout <= maxTimeoutSeconds);
  return [
    ...checkName(textOf(entry["name"]), `${path}.name`),
    ...checkRules(entry["rules"], `${path}.rules`),
    ...oneOf(entry["failurePolicy"], ["Fail", "Ignore"], `${path}.failurePolicy`),
    ...oneOf(entry["matchPolicy"], ["Equivalent", "Exact"], `${path}.matchPolicy`),
    ...checkSideEffects(entry["sideEffects"], `${path}.sideEffects`),
    ...(inRange
      ? []
      : [invalidValue(`${path}.timeoutSeconds`, timeout, "the timeout value must be between 1 and 30 seconds")]),
    ...selectors,
    ...oneOf(entry["reinvocationPolicy"], ["IfNeeded", "Never"], `${path}.reinvocationPolicy`),
    ...checkClient(entry["clientConfig"], `${path}.clientConfig`),
    // What does not compile without usable selectors is told once they are.
    ...(selectors.length > 0 ? [] : checkConditions(compileEntry(entry, "", "").conditions, `${path}.matchConditions`)),
    ...checkReviewVersions(entry["admissionReviewVersions"], `${path}.admissionReviewVersions`),
  ];
}

/** Source: k8s.io/apimachinery/pkg/util/validation.IsFullyQualifiedName. */
function checkName(name: string, path: string): FieldError[] {
  if (name === "") return [required(path, "")];
  const wrong = checkDns1123Subdomain(name).map((text) => invalidValue(path, name, text));
  if (wrong.length > 0 || name.split(".").length >= 3) return wrong;
  return [invalidValue(path, name, "should be a domain with at least three segments separated by dots")];
}

function checkSideEffects(value: JsonValue | undefined, path: string): FieldError[] {
  if (value === undefined) return [required(path, `must specify one of ${sideEffects.join(", ")}`)];
  return sideEffects.includes(textOf(value)) ? [] : [notSupported(path, textOf(value), sideEffects)];
}

function checkReviewVersions(value: JsonValue | undefined, path: string): FieldError[] {
  const versions = Array.isArray(value) ? value.map(String) : [];
  if (versions.length === 0) return [required(path, "must specify one of v1, v1beta1")];
  const repeated = versions.flatMap((version, index) =>
    versions.indexOf(version) < index ? [invalidValue(`${path}[${index}]`, version, "duplicate version")] : [],
  );
  const known = versions.includes("v1") || versions.includes("v1beta1");
  return known ? repeated : [...repeated, invalidValue(path, versions, "must include at least one of v1, v1beta1")];
}

function checkClient(value: JsonValue | undefined, path: string): FieldError[] {
  const config = isObject(value) ? value : {};
  const { url, service } = config;
  if ((url === undefined) === (service === undefined)) {
    return [required(path, "exactly one of url or service is required")];
  }
  return url === undefined ? checkService(service, `${path}.service`) : checkUrl(textOf(url), `${path}.url`);
}

const form = "; desired format: https://host[/path]";

function checkUrl(text: string, path: string): FieldError[] {
  if (!URL.canParse(text)) return [required(path, `url must be a valid URL: ${JSON.stringify(text)}${form}`)];
  const { protocol, host, username, password, hash, search } = new URL(text);
  const scheme = protocol.slice(0, -1);
  const user = password === "" ? username : `${username}:${password}`;
  return [
    ...(scheme === "https" ? [] : [invalidValue(path, scheme, `'https' is the only allowed URL scheme${form}`)]),
    ...(host === "" ? [invalidValue(path, host, `host must be specified${form}`)] : []),
    ...(user === "" ? [] : [invalidValue(path, user, "user information is not permitted in the URL")]),
    ...(hash === "" ? [] : [invalidValue(path, hash.slice(1), "fragments are not permitted in the URL")]),
    ...(search === "" ? [] : [invalidValue(path, search.slice(1), "query parameters are not permitted in the URL")]),
  ];
}

const maxPort = 65_535;

function checkService(value: JsonValue | undefined, path: string): FieldError[] {
  const service = isObject(value) ? value : {};
  const port = Number(service["port"] ?? 0);
  return [
    ...["name", "namespace"].flatMap((key) => (textOf(service[key]) === "" ? [required(`${path}.${key}`, "")] : [])),
    ...(port >= 1 && port <= maxPort
      ? []
      : [invalidValue(`${path}.port`, port, "port is not valid: must be between 1 and 65535, inclusive")]),
    ...checkPath(textOf(service["path"]), `${path}.path`),
  ];
}

function checkPath(value: string, path: string): FieldError[] {
  if (value === "" || value === "/") return [];
  if (value === "//") return [invalidValue(path, value, "segment[0] may not be empty")];
  const start = value.startsWith("/") ? [] : [invalidValue(path, value, "must start with a '/'")];
  const segments = value.slice(1).replace(/\/$/, "").split("/");
  return [
    ...start,
    ...segments.flatMap((segment, index) =>
      segment === ""
        ? [invalidValue(path, value, `segment[${index}] may not be empty`)]
        : checkDns1123Subdomain(segment).map((text) => invalidValue(path, value, `segment[${index}]: ${text}`)),
    ),
  ];
}
