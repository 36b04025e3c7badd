import type { Metadata } from "next";
import { requireSession } from "../../../../../../session/current.ts";
import { RepositoryFrame } from "../repository-frame.tsx";
import { HooksExplorer } from "./hooks-explorer.tsx";

type Params = Promise<{ org: string; repository: string }>;

export async function generateMetadata({ params }: { params: Params }): Promise<Metadata> {
  return { title: `Hooks of ${(await params).repository}` };
}

export default async function HooksPage({ params }: { params: Params }) {
  const { org, repository } = await params;
  return (
    <RepositoryFrame
      org={org}
      repository={repository}
      crumbs={[{ label: "Hooks", href: `/orgs/${org}/repositories/${repository}/hooks` }]}
      render={async ({ namespace }) => {
        const { user } = await requireSession();
        return <HooksExplorer org={org} repository={repository} namespace={namespace} user={user} />;
      }}
    />
  );
}
