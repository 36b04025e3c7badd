import { Pipeline } from "@krate/kinds";
import { YamlView } from "../../../../../../../../components/yaml-view.tsx";
import { RunFrame } from "../run-frame.tsx";

export default async function RunYamlPage({
  params,
}: {
  params: Promise<{ org: string; repository: string; name: string }>;
}) {
  return <RunFrame {...(await params)} render={async (run) => <YamlView kind={Pipeline} object={run} />} />;
}
