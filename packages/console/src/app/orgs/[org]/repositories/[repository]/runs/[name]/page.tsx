import type { Metadata } from "next";
import { RunFrame } from "./run-frame.tsx";
import { RunView } from "./run-view.tsx";

type Params = Promise<{ org: string; repository: string; name: string }>;

export async function generateMetadata({ params }: { params: Params }): Promise<Metadata> {
  return { title: (await params).name };
}

export default async function RunPage({ params }: { params: Params }) {
  const { org, repository, name } = await params;
  return (
    <RunFrame
      org={org}
      repository={repository}
      name={name}
      render={async (_run, namespace) => <RunView org={org} namespace={namespace} run={name} />}
    />
  );
}
