"use client";
import { CheckIcon, CommentIcon, DotFillIcon, XIcon } from "@primer/octicons-react";
import Link from "next/link";
import type { ReactNode } from "react";
import { LiveTable } from "../../../../../../components/live-table.tsx";
import { PhaseIcon } from "../../../../../../components/phase.tsx";
import { Ago } from "../../../../../../components/time.tsx";
import type { PullRequestRow } from "../../../../../../live/rows.ts";
import styles from "../../../lists.module.css";

const isOpen = ({ phase }: PullRequestRow) => phase !== "Merged" && phase !== "Closed";
const tabs = [
  { label: "Open", includes: isOpen },
  { label: "Merged", includes: ({ phase }: PullRequestRow) => phase === "Merged" },
  { label: "Closed", includes: ({ phase }: PullRequestRow) => phase === "Closed" },
];
const newestFirst = (a: PullRequestRow, b: PullRequestRow) => (b.number ?? 0) - (a.number ?? 0);

export function PullRequestList({ org, repository, action }: { org: string; repository: string; action: ReactNode }) {
  return (
    <LiveTable<PullRequestRow>
      url={`/api/watch/orgs/${org}/pullrequests?repository=${repository}`}
      rowHeight={64}
      tabs={tabs}
      filterLabel="Filter pull requests"
      text={({ title, author, number, head, labels }) => `${title} ${author} #${number} ${head} ${labels.join(" ")}`}
      order={newestFirst}
      empty={<p>No pull request yet. Push a branch, then: kubectl create -f examples/pull-request.yaml</p>}
      action={action}
      row={(row) => <PullRequestItem path={`/orgs/${org}/repositories/${repository}/pulls/${row.name}`} row={row} />}
    />
  );
}

function PullRequestItem({ path, row }: { path: string; row: PullRequestRow }) {
  return (
    <>
      <PhaseIcon phase={row.phase} />
      <div className="grow">
        <div className="row">
          <Link href={path} prefetch={false} className={styles.name}>
            {row.title}
          </Link>
          {row.labels.map((label) => (
            <span key={label} className="badge tone-accent">
              {label}
            </span>
          ))}
        </div>
        <p className={styles.meta}>
          #{row.number} by {row.author} · <Ago time={row.createdAt} /> · <span className="mono">{row.head}</span>
        </p>
      </div>
      {row.additions !== undefined && (
        <span className={styles.fact}>
          <span className="ink-green">+{row.additions.toLocaleString("en")}</span>
          <span className="ink-red">−{(row.deletions ?? 0).toLocaleString("en")}</span>
        </span>
      )}
      <ReviewMark row={row} />
      <ChecksMark row={row} />
      <span className={styles.fact}>
        <CommentIcon /> {row.comments}
      </span>
    </>
  );
}

function ReviewMark({ row: { approvals, changesRequested } }: { row: PullRequestRow }) {
  if (changesRequested > 0) return <span className="badge tone-red">changes requested</span>;
  if (approvals > 0) return <span className="badge tone-green">approved</span>;
  return null;
}

function ChecksMark({ row: { checks } }: { row: PullRequestRow }) {
  if (!checks) return null;
  const { passed, failed, pending } = checks;
  const [Shape, tone] = failed > 0 ? [XIcon, "red"] : pending > 0 ? [DotFillIcon, "amber"] : [CheckIcon, "green"];
  return (
    <span className={styles.fact} title={`${passed} passed, ${failed} failed, ${pending} pending`}>
      <Shape className={`ink-${tone}`} /> {passed}/{passed + failed + pending}
    </span>
  );
}
