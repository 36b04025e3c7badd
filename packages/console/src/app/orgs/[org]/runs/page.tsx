import { Pipeline } from "@krate/kinds";
import type { Metadata } from "next";
import { CommandPanel } from "../../../../components/command-panel.tsx";
import { Shell } from "../../../../components/shell.tsx";
import { listCommands } from "../../../../kubectl/commands.ts";
import { organization } from "../../../../upstream/organization.ts";
import styles from "../../orgs.module.css";
import { RunList } from "../run-list.tsx";

export const metadata: Metadata = { title: "Runs" };

export default async function RunsPage({ params }: { params: Promise<{ org: string }> }) {
  const { org } = await params;
  const { displayName, namespace } = await organization(org);
  return (
    <Shell org={org} crumbs={[{ label: "Runs", href: `/orgs/${org}/runs` }]}>
      <h1 className={styles.title}>{displayName}: runs</h1>
      <RunList org={org} action={<CommandPanel title="Runs" commands={listCommands(Pipeline, namespace)} />} />
    </Shell>
  );
}
