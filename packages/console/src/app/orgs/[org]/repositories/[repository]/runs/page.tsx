import { Pipeline } from "@krate/kinds";
import type { Metadata } from "next";
import { CommandPanel } from "../../../../../../components/command-panel.tsx";
import { listCommands } from "../../../../../../kubectl/commands.ts";
import { RunList } from "../../../run-list.tsx";
import { RepositoryFrame } from "../repository-frame.tsx";

type Params = Promise<{ org: string; repository: string }>;

export async function generateMetadata({ params }: { params: Params }): Promise<Metadata> {
  return { title: `Runs of ${(await params).repository}` };
}

export default async function RepositoryRunsPage({ params }: { params: Params }) {
  const { org, repository } = await params;
  return (
    <RepositoryFrame
      org={org}
      repository={repository}
      render={async ({ namespace }) => (
        <RunList
          org={org}
          repository={repository}
          action={
            <CommandPanel title="Runs" commands={listCommands(Pipeline, namespace, `spec.repository=${repository}`)} />
          }
        />
      )}
    />
  );
}
