"use client";
import { GitBranchIcon, RepoIcon } from "@primer/octicons-react";
import Link from "next/link";
import type { ReactNode } from "react";
import { LiveTable } from "../../../components/live-table.tsx";
import { PhaseIcon } from "../../../components/phase.tsx";
import { Ago, Duration } from "../../../components/time.tsx";
import type { PipelineRow } from "../../../live/rows.ts";
import styles from "./lists.module.css";

const active = new Set(["Pending", "Queued", "Running"]);
const tabs = [
  { label: "All", includes: () => true },
  { label: "Active", includes: ({ phase }: PipelineRow) => active.has(phase) },
  { label: "Failed", includes: ({ phase }: PipelineRow) => phase === "Failed" || phase === "Rejected" },
];
const newestFirst = (a: PipelineRow, b: PipelineRow) =>
  (b.queuedAt ?? b.createdAt).localeCompare(a.queuedAt ?? a.createdAt);

/** Runs of one repository, or of all of the organization. */
export function RunList({ org, repository, action }: { org: string; repository?: string; action: ReactNode }) {
  return (
    <LiveTable<PipelineRow>
      url={`/api/watch/orgs/${org}/pipelines${repository ? `?repository=${repository}` : ""}`}
      rowHeight={64}
      tabs={tabs}
      filterLabel="Filter runs"
      text={({ name, workflow, ref, actor, repository: of }) => `${name} ${workflow} ${ref} ${actor} ${of}`}
      order={newestFirst}
      empty={<p>Nothing ran yet. Push a commit with a workflow in .krate/workflows.</p>}
      action={action}
      row={(row) => <RunItem org={org} row={row} showRepository={repository === undefined} />}
    />
  );
}

function RunItem({ org, row, showRepository }: { org: string; row: PipelineRow; showRepository: boolean }) {
  return (
    <>
      <PhaseIcon phase={row.phase} size={18} />
      <div className="grow">
        <div className="row">
          <Link
            href={`/orgs/${org}/repositories/${row.repository}/runs/${row.name}`}
            prefetch={false}
            className={styles.name}
          >
            {row.workflow}
            {row.number !== undefined && <span className="faint"> #{row.number}</span>}
          </Link>
          {row.event && <span className="badge">{row.event}</span>}
        </div>
        <p className={styles.meta}>
          {showRepository && (
            <>
              <RepoIcon /> {row.repository} ·
            </>
          )}
          <GitBranchIcon /> <span className="mono">{row.ref.replace(/^refs\/(heads|tags)\//, "")}</span> ·{" "}
          {row.sha?.slice(0, 8)}
          {row.actor && ` · by ${row.actor}`}
        </p>
      </div>
      <span className={styles.fact}>
        <Duration from={row.startedAt} to={row.completedAt} />
      </span>
      <span className={styles.fact}>
        <Ago time={row.queuedAt ?? row.createdAt} />
      </span>
    </>
  );
}
