import type { Metadata } from "next";
import { orProblem } from "../../../../../../components/problem.tsx";
import { Shell } from "../../../../../../components/shell.tsx";
import { YamlView } from "../../../../../../components/yaml-view.tsx";
import { hookObject } from "../../../../../../hooks/hook-object.ts";
import { organization } from "../../../../../../upstream/organization.ts";

type Params = Promise<{ org: string; resource: string; name: string }>;

export async function generateMetadata({ params }: { params: Params }): Promise<Metadata> {
  return { title: decodeURIComponent((await params).name) };
}

export default async function OrganizationHookPage({ params }: { params: Params }) {
  const { org, ...address } = await params;
  const [resource, name] = [decodeURIComponent(address.resource), decodeURIComponent(address.name)];
  const { namespace } = await organization(org);
  const path = `/orgs/${org}/hooks`;
  const crumbs = [
    { label: "Hooks & Policies", href: path },
    { label: name, href: `${path}/${resource}/${encodeURIComponent(name)}` },
  ];
  const body = await orProblem("This cannot be shown", async () => {
    const { kind, object } = await hookObject(resource, namespace, name);
    return <YamlView kind={kind} object={object} />;
  });
  return (
    <Shell org={org} crumbs={crumbs}>
      {body}
    </Shell>
  );
}
