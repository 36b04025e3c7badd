/**
 * The kubectl command that repeats a request (C-42): what somebody who reads the activity would paste into a shell. Bodies are as they were
 * sent, on one line, with secrets hidden.
 */
import { isObject, type JsonObject } from "@krate/apimachinery";
import type { ResourceRequest } from "../request-info.ts";

export interface CommandInput {
  target: ResourceRequest;
  /** Name of the object; of a collection `""`. */
  name: string;
  params: URLSearchParams;
  contentType: string;
  /** What was sent, secrets hidden. */
  body: JsonObject | readonly JsonObject[] | undefined;
}

const patchFlags: Readonly<Record<string, string>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
};

export function kubectlCommand(input: CommandInput): string {
  const { target, params } = input;
  const dryRun = params.has("dryRun") ? ["--dry-run=server"] : [];
  switch (target.verb) {
    case "create":
      return createCommand(input, dryRun);
    case "update":
      return withBody(["kubectl", "replace", ...namespaceOf(target), ...subresourceOf(target), ...dryRun], input);
    case "patch":
      return patchCommand(input, dryRun);
    case "delete":
      return join([
        "kubectl",
        "delete",
        resourceOf(target),
        quote(input.name),
        ...namespaceOf(target),
        ...deletion(input),
        ...dryRun,
      ]);
    case "deletecollection":
      return join([
        "kubectl",
        "delete",
        resourceOf(target),
        ...selection(params),
        ...namespaceOf(target),
        ...deletion(input),
        ...dryRun,
      ]);
    default:
      return join(["kubectl", "get", "--raw", quote(target.path)]);
  }
}

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** What `kubectl apply` made says so; it adds its annotation by itself. */
function createCommand(input: CommandInput, dryRun: string[]): string {
  const { target, body } = input;
  if (target.subresource !== "") return withBody(["kubectl", "create", "--raw", quote(target.path)], input);
  const words = (verb: string) => ["kubectl", verb, ...namespaceOf(target), ...dryRun];
  const metadata = isObject(body as JsonObject) ? (body as JsonObject)["metadata"] : undefined;
  const annotations = isObject(metadata) ? metadata["annotations"] : undefined;
  if (!isObject(metadata) || !isObject(annotations) || annotations[lastApplied] === undefined) {
    return withBody(words("create"), input);
  }
  const { [lastApplied]: _added, ...rest } = annotations;
  const { annotations: _all, ...others } = metadata;
  const applied = { ...others, ...(Object.keys(rest).length > 0 && { annotations: rest }) };
  return withBody(words("apply"), { ...input, body: { ...(body as JsonObject), metadata: applied } });
}

function patchCommand(input: CommandInput, dryRun: string[]): string {
  const { target, params, contentType, body, name } = input;
  const type = patchFlags[contentType];
  if (type === undefined) {
    const manager = params.get("fieldManager");
    const flags = [
      "--server-side",
      ...(manager === null ? [] : [`--field-manager=${quote(manager)}`]),
      ...(params.get("force") === "true" ? ["--force-conflicts"] : []),
    ];
    return withBody(["kubectl", "apply", ...namespaceOf(target), ...subresourceOf(target), ...flags, ...dryRun], input);
  }
  return join([
    "kubectl",
    "patch",
    resourceOf(target),
    quote(name),
    ...namespaceOf(target),
    ...subresourceOf(target),
    `--type=${type}`,
    ...dryRun,
    "-p",
    quote(JSON.stringify(body ?? {})),
  ]);
}

/** JSON on one line cannot hold the line that ends it. */
function withBody(words: readonly string[], { body }: CommandInput): string {
  return `${join([...words, "-f", "-"])} <<'EOF'\n${JSON.stringify(body ?? {})}\nEOF`;
}

function resourceOf({ group, resource }: ResourceRequest): string {
  return group === "" ? resource : `${resource}.${group}`;
}

function namespaceOf({ namespace }: ResourceRequest): string[] {
  return namespace === "" ? [] : ["-n", quote(namespace)];
}

function subresourceOf({ subresource }: ResourceRequest): string[] {
  return subresource === "" ? [] : [`--subresource=${quote(subresource)}`];
}

function selection(params: URLSearchParams): string[] {
  const labels = params.get("labelSelector");
  const fields = params.get("fieldSelector");
  const words = [
    ...(labels === null || labels === "" ? [] : ["-l", quote(labels)]),
    ...(fields === null || fields === "" ? [] : [`--field-selector=${quote(fields)}`]),
  ];
  return words.length === 0 ? ["--all"] : words;
}

function deletion({ body, params }: CommandInput): string[] {
  const options = (Array.isArray(body) ? undefined : (body as JsonObject | undefined)) ?? {};
  const policy = options["propagationPolicy"] ?? params.get("propagationPolicy");
  const grace = options["gracePeriodSeconds"] ?? params.get("gracePeriodSeconds");
  return [
    ...(policy === "Orphan" || policy === "Foreground" ? [`--cascade=${policy.toLowerCase()}`] : []),
    ...(grace === undefined || grace === null ? [] : [`--grace-period=${quote(String(grace))}`]),
  ];
}

function join(words: readonly string[]): string {
  return words.join(" ");
}

/** A word for a POSIX shell. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
