import type { Metadata } from "next";
import { YamlView } from "../../../../../../../../components/yaml-view.tsx";
import { hookObject } from "../../../../../../../../hooks/hook-object.ts";
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
