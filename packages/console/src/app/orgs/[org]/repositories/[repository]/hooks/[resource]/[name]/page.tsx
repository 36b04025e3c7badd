import { isReason, type KindRef, type KubernetesObject } from "@krate/kinds";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { YamlView } from "../../../../../../../../components/yaml-view.tsx";
import { discovery } from "../../../../../../../../hooks/served-kind.ts";
import { sourceOfResource } from "../../../../../../../../hooks/sources.ts";
import { userApi } from "../../../../../../../../session/current.ts";
import { RepositoryFrame } from "../../../repository-frame.tsx";

type Params = Promise<{ org: string; repository: string; resource: string; name: string }>;

export async function generateMetadata({ params }: { params: Params }): Promise<Metadata> {
  return { title: decodeURIComponent((await params).name) };
}

export default async function HookPage({ params }: { params: Params }) {
  const { org, repository, ...address } = await params;
  const [resource, name] = [decodeURIComponent(address.resource), decodeURIComponent(address.name)];
  const path = `/orgs/${org}/repositories/${repository}/hooks`;
  const crumbs = [
    { label: "Hooks", href: path },
    { label: name, href: `${path}/${resource}/${encodeURIComponent(name)}` },
  ];
  return (
    <RepositoryFrame
      org={org}
      repository={repository}
      crumbs={crumbs}
      render={async ({ namespace }) => {
        const { kind, object } = await hookObject(resource, namespace, name);
        return <YamlView kind={kind} object={object} />;
      }}
    />
  );
}

/** Read as the user, like everything. */
async function hookObject(
  resource: string,
  namespace: string,
  name: string,
): Promise<{ kind: KindRef; object: KubernetesObject }> {
  const source = sourceOfResource(resource) ?? notFound();
  const api = await userApi();
  const kind = (await discovery(api, AbortSignal.timeout(30_000)).find(source)) ?? notFound();
  try {
    const key = source.scope === "Namespaced" ? { namespace, name } : { name };
    return { kind, object: await api.get(kind, key) };
  } catch (error) {
    if (isReason(error, "NotFound")) notFound();
    throw error;
  }
}
