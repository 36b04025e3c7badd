import { PullRequest } from "@krate/kinds";
import type { Metadata } from "next";
import { CommandPanel } from "../../../../../../components/command-panel.tsx";
import { listCommands } from "../../../../../../kubectl/commands.ts";
import { RepositoryFrame } from "../repository-frame.tsx";
import { PullRequestList } from "./pull-request-list.tsx";

type Params = Promise<{ org: string; repository: string }>;

export async function generateMetadata({ params }: { params: Params }): Promise<Metadata> {
  return { title: `Pull requests of ${(await params).repository}` };
}

export default async function PullRequestsPage({ params }: { params: Params }) {
  const { org, repository } = await params;
  return (
    <RepositoryFrame
      org={org}
      repository={repository}
      render={async ({ namespace }) => (
        <PullRequestList
          org={org}
          repository={repository}
          action={
            <CommandPanel
              title="Pull requests"
              commands={listCommands(PullRequest, namespace, `spec.repository=${repository}`)}
            />
          }
        />
      )}
    />
  );
}
