import type { Metadata } from "next";
import { Shell } from "../../../../components/shell.tsx";
import { requireSession } from "../../../../session/current.ts";
import { organization } from "../../../../upstream/organization.ts";
import styles from "../../orgs.module.css";
import { HooksExplorer } from "../repositories/[repository]/hooks/hooks-explorer.tsx";

export const metadata: Metadata = { title: "Hooks & Policies" };

export default async function OrganizationHooksPage({ params }: { params: Promise<{ org: string }> }) {
  const { org } = await params;
  const [{ displayName, namespace }, { user }] = await Promise.all([organization(org), requireSession()]);
  return (
    <Shell org={org} crumbs={[{ label: "Hooks & Policies", href: `/orgs/${org}/hooks` }]}>
      <h1 className={styles.title}>{displayName}: hooks and policies</h1>
      <HooksExplorer org={org} namespace={namespace} user={user} />
    </Shell>
  );
}
