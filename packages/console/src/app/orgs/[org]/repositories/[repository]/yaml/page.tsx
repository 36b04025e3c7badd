import { Repository } from "@krate/kinds";
import { YamlView } from "../../../../../../components/yaml-view.tsx";
import { pageObject } from "../../../../../../upstream/find.ts";
import { RepositoryFrame } from "../repository-frame.tsx";

export default async function RepositoryYamlPage({ params }: { params: Promise<{ org: string; repository: string }> }) {
  const { org, repository } = await params;
  return (
    <RepositoryFrame
      org={org}
      repository={repository}
      render={async ({ namespace }) => (
        <YamlView kind={Repository} object={await pageObject(Repository, namespace, repository)} />
      )}
    />
  );
}
