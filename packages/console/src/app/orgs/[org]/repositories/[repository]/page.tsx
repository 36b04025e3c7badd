import type { Metadata } from "next";
import { CodeView } from "./code-view.tsx";
import { RepositoryFrame } from "./repository-frame.tsx";

type Params = Promise<{ org: string; repository: string }>;

export async function generateMetadata({ params }: { params: Params }): Promise<Metadata> {
  return { title: (await params).repository };
}

export default async function RepositoryPage({ params }: { params: Params }) {
  const { org, repository } = await params;
  return (
    <RepositoryFrame
      org={org}
      repository={repository}
      render={(scope) => CodeView({ org, repository, ...scope, path: "" })}
    />
  );
}
