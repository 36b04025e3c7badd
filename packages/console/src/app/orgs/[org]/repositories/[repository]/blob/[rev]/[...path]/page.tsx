import { PathBar } from "../../../path-bar.tsx";
import { RepositoryFrame } from "../../../repository-frame.tsx";
import { FileView } from "./file-view.tsx";

export default async function BlobPage({
  params,
}: {
  params: Promise<{ org: string; repository: string; rev: string; path: string[] }>;
}) {
  const { org, repository, ...encoded } = await params;
  const rev = decodeURIComponent(encoded.rev);
  const path = encoded.path.map(decodeURIComponent).join("/");
  const query = new URLSearchParams({ rev, path }).toString();
  return (
    <RepositoryFrame
      org={org}
      repository={repository}
      render={async ({ namespace }) => (
        <>
          <PathBar org={org} repository={repository} namespace={namespace} rev={rev} path={path} />
          <FileView url={`/api/orgs/${org}/repositories/${repository}/blob?${query}`} path={path} />
        </>
      )}
    />
  );
}
