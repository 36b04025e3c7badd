"use client";
import { ArchiveIcon, GitBranchIcon, GlobeIcon, LockIcon, PlusIcon, RepoIcon } from "@primer/octicons-react";
import Link from "next/link";
import { LiveTable } from "../../../components/live-table.tsx";
import { PhaseBadge } from "../../../components/phase.tsx";
import { Ago } from "../../../components/time.tsx";
import type { RepositoryRow } from "../../../live/rows.ts";
import styles from "./lists.module.css";

const visibilityIcons = { private: LockIcon, internal: RepoIcon, public: GlobeIcon } as const;

export function RepositoryList({ org }: { org: string }) {
  return (
    <LiveTable<RepositoryRow>
      url={`/api/watch/orgs/${org}/repositories`}
      rowHeight={68}
      filterLabel="Filter repositories"
      text={({ name, description, topics }) => `${name} ${description ?? ""} ${topics.join(" ")}`}
      order={byName}
      empty={<p>There is no repository yet.</p>}
      action={
        <Link href={`/orgs/${org}/new`} prefetch={false} className="button primary">
          <PlusIcon /> New repository
        </Link>
      }
      row={(row) => <RepositoryItem org={org} row={row} />}
    />
  );
}

const byName = (a: RepositoryRow, b: RepositoryRow) => a.name.localeCompare(b.name);

function RepositoryItem({ org, row }: { org: string; row: RepositoryRow }) {
  const Shape = row.archived
    ? ArchiveIcon
    : (visibilityIcons[row.visibility as keyof typeof visibilityIcons] ?? RepoIcon);
  return (
    <>
      <Shape className="ink-grey" aria-label={row.archived ? "archived" : row.visibility} />
      <div className="grow">
        <div className="row">
          <Link href={`/orgs/${org}/repositories/${row.name}`} prefetch={false} className={styles.name}>
            {row.name}
          </Link>
          <span className="badge">{row.visibility}</span>
          {row.phase && row.phase !== "Ready" && <PhaseBadge phase={row.phase} />}
          {row.topics.slice(0, 4).map((topic) => (
            <span key={topic} className="badge tone-accent">
              {topic}
            </span>
          ))}
        </div>
        <p className="muted truncate">{row.description ?? <span className="faint">No description</span>}</p>
      </div>
      <span className={`${styles.fact} mono`}>
        <GitBranchIcon /> {row.defaultBranch}
      </span>
      <span className={styles.fact}>
        <Ago time={row.createdAt} />
      </span>
    </>
  );
}
