import { PullRequest } from "@krate/kinds";
import { YamlView } from "../../../../../../../../components/yaml-view.tsx";
import { PullFrame } from "../pull-frame.tsx";

export default async function PullRequestYamlPage({
  params,
}: {
  params: Promise<{ org: string; repository: string; name: string }>;
}) {
  return <PullFrame {...(await params)} render={async (pull) => <YamlView kind={PullRequest} object={pull} />} />;
}
