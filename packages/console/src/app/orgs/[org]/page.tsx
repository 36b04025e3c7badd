import type { Metadata } from "next";
import { Shell } from "../../../components/shell.tsx";
import { organization } from "../../../upstream/organization.ts";
import styles from "../orgs.module.css";
import { RepositoryList } from "./repository-list.tsx";

type Params = Promise<{ org: string }>;

export async function generateMetadata({ params }: { params: Params }): Promise<Metadata> {
  return { title: `${(await params).org}: repositories` };
}

export default async function OrganizationPage({ params }: { params: Params }) {
  const { org } = await params;
  const { displayName } = await organization(org);
  return (
    <Shell org={org}>
      <h1 className={styles.title}>{displayName}: repositories</h1>
      <RepositoryList org={org} />
    </Shell>
  );
}
