import { OrganizationIcon } from "@primer/octicons-react";
import type { Metadata } from "next";
import Link from "next/link";
import { Shell } from "../../components/shell.tsx";
import { listOrganizations } from "../../upstream/organization.ts";
import styles from "./orgs.module.css";

export const metadata: Metadata = { title: "Organizations" };

export default async function OrganizationsPage() {
  const organizations = await listOrganizations();
  return (
    <Shell>
      <h1 className={styles.title}>Organizations</h1>
      {organizations.length === 0 && <p className="muted">There is none that you may see.</p>}
      <ul className={styles.grid}>
        {organizations.map(({ slug, displayName, description, namespace }) => (
          <li key={slug}>
            <Link href={`/orgs/${slug}`} prefetch={false} className={`card ${styles.card}`}>
              <OrganizationIcon size={20} className="ink-accent" />
              <span className={styles.name}>{displayName}</span>
              <span className="muted">{description ?? <span className="mono">{namespace}</span>}</span>
            </Link>
          </li>
        ))}
      </ul>
    </Shell>
  );
}
