/** Registers this server with the cluster's aggregator, where no chart does it: outside a cluster, by an ExternalName Service. */
import { foreignKind, type KubernetesObject, Namespace, recordGroup, version } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";

export interface Registration {
  namespace: string;
  /** Host name under which kube-apiserver reaches this server. */
  externalName: string;
  port: number;
  /** PEM of the CA of the serving certificate, which must name `<service>.<namespace>.svc`. */
  caPem: string;
  /** @defaultValue 'krate-apiserver' */
  service?: string;
  /** What is served. @defaultValue Krate's records */
  apis?: readonly { group: string; version: string }[];
}

export const serviceName = "krate-apiserver";
const fieldManager = "krate-apiserver";
/** Behind every group of Kubernetes itself, in front of nothing. */
const groupPriorityMinimum = 1000;
const versionPriority = 15;

interface Specified extends KubernetesObject {
  spec?: Record<string, unknown>;
}

const Service = foreignKind<Specified>({ group: "", version: "v1", kind: "Service", plural: "services" });
const APIService = foreignKind<Specified>({
  group: "apiregistration.k8s.io",
  version: "v1",
  kind: "APIService",
  plural: "apiservices",
  scope: "Cluster",
});

export async function register(
  client: KubeClient,
  {
    namespace,
    externalName,
    port,
    caPem,
    service = serviceName,
    apis = [{ group: recordGroup, version }],
  }: Registration,
): Promise<void> {
  const options = { fieldManager, force: true };
  // Usually there: the identity this runs under lives in it.
  if (!(await client.find(Namespace, { name: namespace }))) {
    await client.apply(Namespace, { metadata: { name: namespace } }, options);
  }
  await client.apply(
    Service,
    { metadata: { name: service, namespace }, spec: { type: "ExternalName", externalName } },
    options,
  );
  for (const api of apis) {
    const spec = {
      ...api,
      groupPriorityMinimum,
      versionPriority,
      service: { namespace, name: service, port },
      caBundle: Buffer.from(caPem).toString("base64"),
    };
    await client.apply(APIService, { metadata: { name: `${api.version}.${api.group}` }, spec }, options);
  }
}
