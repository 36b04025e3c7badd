import type { Metadata } from "next";
import { Shell } from "../../../../components/shell.tsx";
import { organization } from "../../../../upstream/organization.ts";
import styles from "../../orgs.module.css";
import { RepositoryForm } from "./repository-form.tsx";

export const metadata: Metadata = { title: "New repository" };

export default async function NewRepositoryPage({ params }: { params: Promise<{ org: string }> }) {
  const { org } = await params;
  const { namespace } = await organization(org);
  return (
    <Shell org={org} crumbs={[{ label: "New repository", href: `/orgs/${org}/new` }]}>
      <h1 className={styles.title}>New repository</h1>
      <RepositoryForm org={org} namespace={namespace} />
    </Shell>
  );
}
