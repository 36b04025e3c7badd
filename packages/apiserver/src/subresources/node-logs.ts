/** Reads Pod logs from the node's kubelet endpoint. Source: k8s.io/kubernetes/pkg/registry/core/pod/strategy.go:LogLocation. */
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { dig, isObject, type JsonObject, type JsonValue } from "@krate/apimachinery";
import { badRequest, notFound, serviceUnavailable } from "@krate/kinds";
import { decodeStored, sectionOf, textOf } from "../objects.ts";
import type { Store } from "../storage/store.ts";
import type { PodLogs } from "./pod-logs.ts";

export interface KubeletCredentials {
  cert: string;
  key: string;
  ca: string;
}

const defaultKubeletPort = 10250;
const connectTimeoutMilliseconds = 10_000;

export function nodeLogs(store: Store, credentials: KubeletCredentials | undefined): PodLogs {
  return {
    open: async ({ namespace, pod: name, container, query, signal }) => {
      const pod = await read(store, "pods", namespace, name);
      const nodeName = textOf(sectionOf(pod, "spec")["nodeName"]);
      if (nodeName === "") throw badRequest(`pod ${name} does not have a host assigned`);
      const chosen = containerOf(pod, name, container);
      const node = await read(store, "nodes", "", nodeName);
      const endpoint = endpointOf(node);
      if (credentials === undefined || endpoint === undefined) {
        throw serviceUnavailable(`the log of pod ${name} cannot be read: node ${nodeName} tells no kubelet endpoint`);
      }
      const search = query.size === 0 ? "" : `?${query}`;
      const path = `/containerLogs/${namespace}/${name}/${chosen}${search}`;
      return get({ ...endpoint, ...credentials, path, signal });
    },
  };
}

async function read(store: Store, resource: string, namespace: string, name: string): Promise<JsonObject> {
  const stored = await store.get({ group: "", resource, namespace, name });
  if (stored === undefined) throw notFound({ plural: resource, name });
  return decodeStored(stored);
}

function namesIn(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter(isObject).map(({ name }) => textOf(name)) : [];
}

function containerOf(pod: JsonObject, name: string, wanted: string | undefined): string {
  const spec = sectionOf(pod, "spec");
  const containers = namesIn(spec["containers"]);
  const all = [...containers, ...namesIn(spec["initContainers"])];
  if (wanted === undefined || wanted === "") {
    if (containers.length === 1 && all.length === 1) return containers[0] as string;
    throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${containers.join(" ")}]`);
  }
  if (all.includes(wanted)) return wanted;
  throw badRequest(`container ${wanted} is not valid for pod ${name}`);
}

function endpointOf(node: JsonObject): { host: string; port: number } | undefined {
  const { addresses } = sectionOf(node, "status");
  const list = Array.isArray(addresses) ? addresses.filter(isObject) : [];
  const preferred = ["InternalIP", "Hostname", "InternalDNS", "ExternalIP"]
    .map((type) => list.find((address) => address["type"] === type))
    .find((address) => address !== undefined);
  const host = textOf(preferred?.["address"]);
  if (host === "") return undefined;
  return {
    host,
    port: Number(dig(node, "status", "daemonEndpoints", "kubeletEndpoint", "Port") ?? defaultKubeletPort),
  };
}

interface LogRequest extends KubeletCredentials {
  host: string;
  port: number;
  path: string;
  signal: AbortSignal;
}

function get({ signal, ...options }: LogRequest): Promise<AsyncIterable<Buffer>> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      { ...options, method: "GET", timeout: connectTimeoutMilliseconds, signal },
      (response) => {
        request.setTimeout(0);
        if (response.statusCode === 200) resolve(response);
        else reject(refusal(response));
      },
    );
    request.once("timeout", () => request.destroy(new Error(`no answer within ${connectTimeoutMilliseconds} ms`)));
    request.once("error", (cause) => reject(serviceUnavailable(`the node did not answer: ${cause.message}`, cause)));
    request.end();
  });
}

function refusal(response: IncomingMessage): Error {
  response.resume();
  const code = response.statusCode ?? 0;
  if (code === 404) return notFound({ plural: "pods/log" });
  if (code === 400) return badRequest("the container has not started, or its log is gone");
  return serviceUnavailable(`the node answered ${code}`);
}
