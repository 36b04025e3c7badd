/** Installs Krate into the cluster it runs on: CRDs, roles, identities, the first organization. All by server-side apply. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { foreignKind, type KubernetesObject, labels, platformNamespace, type Scope } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import { localPeople } from "@krate/pki/users";
import { parseAllDocuments } from "yaml";

export const firstOrganization = "demo";
export const firstNamespace = `krate-org-${firstOrganization}`;
const fieldManager = "krate-up";

/** plural and scope of every kind that our manifests contain. */
const installable: Record<string, { plural: string; scope: Scope }> = {
  Namespace: { plural: "namespaces", scope: "Cluster" },
  ServiceAccount: { plural: "serviceaccounts", scope: "Namespaced" },
  ClusterRole: { plural: "clusterroles", scope: "Cluster" },
  ClusterRoleBinding: { plural: "clusterrolebindings", scope: "Cluster" },
  Role: { plural: "roles", scope: "Namespaced" },
  RoleBinding: { plural: "rolebindings", scope: "Namespaced" },
  CustomResourceDefinition: { plural: "customresourcedefinitions", scope: "Cluster" },
  Organization: { plural: "organizations", scope: "Namespaced" },
  OrgNamespaceBinding: { plural: "orgnamespacebindings", scope: "Namespaced" },
  User: { plural: "users", scope: "Namespaced" },
  IdentityMapping: { plural: "identitymappings", scope: "Namespaced" },
  RunnerPool: { plural: "runnerpools", scope: "Namespaced" },
};

function readManifestFile(file: string): KubernetesObject[] {
  return parseAllDocuments(readFileSync(file, "utf8")).flatMap((document) => {
    const object = document.toJS() as KubernetesObject | null;
    return object ? [object] : [];
  });
}

/** Every object of every YAML file of a folder, by file name. */
export function readManifests(folder: string): KubernetesObject[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
  return files.sort().flatMap((file) => readManifestFile(join(folder, file)));
}

export async function applyObject(client: KubeClient, object: KubernetesObject): Promise<void> {
  const [group, version] = object.apiVersion?.includes("/") ? object.apiVersion.split("/") : ["", object.apiVersion];
  const known = installable[object.kind ?? ""];
  if (!known || version === undefined || group === undefined) {
    throw new Error(
      `cannot install ${object.apiVersion} ${object.kind} "${object.metadata?.name}": add the kind to the table of manifests.ts`,
    );
  }
  const kind = foreignKind({ group, version, kind: object.kind ?? "", ...known });
  await client.apply(
    kind,
    { ...object, metadata: { ...object.metadata, name: object.metadata?.name ?? "" } },
    { fieldManager, force: true },
  );
}

function namespace(name: string, organization?: string): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, ...(organization && { labels: { [labels.org]: organization } }) },
  };
}

/** Objects every new forge starts with: one organization and the namespace bound to it. */
export function firstObjects(): KubernetesObject[] {
  const organizationRef = firstOrganization;
  const metadata = { name: firstOrganization, namespace: platformNamespace };
  return [
    namespace(firstNamespace, firstOrganization),
    {
      apiVersion: "krate.a5c.ai/v1alpha1",
      kind: "Organization",
      metadata,
      spec: { displayName: "Demo", slug: firstOrganization, namespaceName: firstNamespace },
    } as KubernetesObject,
    {
      apiVersion: "krate.a5c.ai/v1alpha1",
      kind: "OrgNamespaceBinding",
      metadata,
      spec: { organizationRef, namespace: firstNamespace },
    } as KubernetesObject,
  ];
}

/** Who the local users are to the first organization: what a sign-in would write, were there an identity provider. */
export function firstPeople(): KubernetesObject[] {
  const organizationRef = firstOrganization;
  return localPeople.flatMap(({ user, groups }) => {
    const workspaceIdentity = { username: user, groups: groups.filter((group) => !group.startsWith("system:")) };
    const specs = {
      User: { organizationRef, displayName: user, email: `${user}@localhost` },
      IdentityMapping: { organizationRef, user, provider: "local", subject: user, workspaceIdentity },
    };
    return Object.entries(specs).map(([kind, spec]) => {
      const metadata = { name: user, namespace: firstNamespace };
      return { apiVersion: "krate.a5c.ai/v1alpha1", kind, metadata, spec } as KubernetesObject;
    });
  });
}

/** Applies everything, a few at a time; CRDs first, because the objects after them need them. */
export async function install(client: KubeClient, checkout: string, options: { localPeople: boolean }): Promise<void> {
  await applyObject(client, namespace(platformNamespace));
  for (const folder of [join(checkout, "crds"), join(checkout, "deploy", "rbac")]) {
    await Promise.all(readManifests(folder).map((object) => applyObject(client, object)));
  }
  const pools = readManifestFile(join(checkout, "examples", "runner-pool.yaml")).map((pool) => ({
    ...pool,
    metadata: { ...pool.metadata, namespace: firstNamespace },
  }));
  const people = options.localPeople ? firstPeople() : [];
  for (const object of [...firstObjects(), ...people, ...pools]) await untilServed(() => applyObject(client, object));
}

const servedTimeoutMilliseconds = 30_000;

/** A new CRD answers 404 until the server has picked it up. */
async function untilServed(apply: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + servedTimeoutMilliseconds;
  for (;;) {
    try {
      return await apply();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
