/**
 * Where the webhook of a `clientConfig` listens.
 * Source: k8s.io/apiserver/pkg/util/webhook/client.go and pkg/util/proxy/proxy.go (ResolveCluster, ResolveEndpoint).
 */
import { isObject, type JsonObject } from "@krate/apimachinery";
import { sectionOf, textOf } from "../../objects.ts";
import type { ConfigKind, ConfigReader } from "../../services.ts";
import { objectsIn } from "../attributes.ts";
import type { ClientConfig, ServiceReference } from "./configuration.ts";

const serviceKind: ConfigKind & { namespaced: boolean } = {
  group: "",
  version: "v1",
  kind: "Service",
  plural: "services",
  namespaced: true,
};
/** Followed where Services have no addresses of their own. */
export const endpointSliceKind: ConfigKind & { namespaced: boolean } = {
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
  namespaced: true,
};
const serviceNameLabel = "kubernetes.io/service-name";

export interface Endpoint {
  /** As the webhook is called; a Service by its name in the cluster. */
  url: URL;
  /** What to connect to instead of the host of `url`. */
  address: { host: string; port: number } | undefined;
  ca: string | undefined;
}

/** @throws Error that says why there is none */
export async function endpointOf(config: ConfigReader, { url, service, ca }: ClientConfig): Promise<Endpoint> {
  if (service !== undefined) {
    const { namespace, name, path, port } = service;
    const named = new URL(`https://${name}.${namespace}.svc:${port}/`);
    if (path !== "") named.pathname = path;
    return { url: named, address: await addressOf(config, service), ca };
  }
  if (url === undefined) throw new Error("webhook configuration must have either service or URL");
  if (!URL.canParse(url)) throw new Error(`Unparsable URL: ${url}`);
  const parsed = new URL(url);
  if (parsed.protocol !== "https:") throw new Error(`the URL of a webhook must be https, not ${parsed.protocol}`);
  return { url: parsed, address: undefined, ca };
}

/**
 * The address of a Service. One without cluster IP, as they all are where nothing gives them out, is reached by its endpoints.
 */
async function addressOf(
  config: ConfigReader,
  { namespace, name, port }: ServiceReference,
): Promise<{ host: string; port: number }> {
  const service = await config.find(serviceKind, { namespace, name });
  if (service === undefined) throw new Error(`service ${JSON.stringify(name)} not found`);
  const spec = sectionOf(service, "spec");
  if (spec["type"] === "ExternalName") return { host: textOf(spec["externalName"]), port };
  const servicePort = objectsIn(spec["ports"]).find((each) => each["port"] === port);
  if (servicePort === undefined) throw new Error(`no service port ${port} found for service ${JSON.stringify(name)}`);
  const clusterIp = textOf(spec["clusterIP"]);
  if (clusterIp !== "" && clusterIp !== "None") return { host: clusterIp, port };
  return readyEndpoint(config, namespace, name, textOf(servicePort["name"]));
}

function readyEndpoint(
  config: ConfigReader,
  namespace: string,
  name: string,
  portName: string,
): { host: string; port: number } {
  const slices = config.list(endpointSliceKind, namespace).filter((slice) => belongsTo(slice, name));
  const addresses = slices.flatMap((slice) => readyAddresses(slice, portName));
  const chosen = addresses[Math.floor(Math.random() * addresses.length)];
  if (chosen === undefined) throw new Error(`no endpoints available for service ${JSON.stringify(name)}`);
  return chosen;
}

function belongsTo(slice: JsonObject, name: string): boolean {
  const { metadata } = slice;
  return isObject(metadata) && isObject(metadata["labels"]) && metadata["labels"][serviceNameLabel] === name;
}

function readyAddresses(slice: JsonObject, portName: string): { host: string; port: number }[] {
  const port = objectsIn(slice["ports"]).find((each) => textOf(each["name"]) === portName)?.["port"];
  if (typeof port !== "number") return [];
  return objectsIn(slice["endpoints"])
    .filter(({ conditions }) => !isObject(conditions) || conditions["ready"] !== false)
    .flatMap(({ addresses }) => (Array.isArray(addresses) ? addresses.slice(0, 1).map(String) : []))
    .map((host) => ({ host, port }));
}
