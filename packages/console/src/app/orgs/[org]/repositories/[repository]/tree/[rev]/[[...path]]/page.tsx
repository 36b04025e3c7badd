import { CodeView } from "../../../code-view.tsx";
import { RepositoryFrame } from "../../../repository-frame.tsx";

export default async function TreePage({
  params,
}: {
  params: Promise<{ org: string; repository: string; rev: string; path?: string[] }>;
}) {
  const { org, repository, rev, path = [] } = await params;
  const at = { rev: decodeURIComponent(rev), path: path.map(decodeURIComponent).join("/") };
  return (
    <RepositoryFrame
      org={org}
      repository={repository}
      render={(scope) => CodeView({ org, repository, ...scope, ...at })}
    />
  );
}
