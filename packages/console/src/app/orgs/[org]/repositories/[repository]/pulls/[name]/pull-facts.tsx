import type { CheckRun, ObjectOf, Pipeline, PullRequest } from "@krate/kinds";
import { CheckCircleFillIcon, CircleIcon, DotFillIcon, XCircleFillIcon } from "@primer/octicons-react";
import Link from "next/link";
import type { ReactNode } from "react";
import { Avatar } from "../../../../../../../components/avatar.tsx";
import { PhaseIcon } from "../../../../../../../components/phase.tsx";
import styles from "./pull.module.css";

export interface PullFactsProps {
  org: string;
  pull: ObjectOf<typeof PullRequest>;
  /** Of the head commit, as the pipelines below. */
  checks: ObjectOf<typeof CheckRun>[];
  pipelines: ObjectOf<typeof Pipeline>[];
}

/** What the API knows about the proposal: whether it may merge and why, checks, people, size. */
export function PullFacts({ org, pull, checks, pipelines }: PullFactsProps) {
  const { spec, status } = pull;
  const gates = (status?.conditions ?? []).filter(({ type }) => type in gateNames);
  return (
    <aside className={styles.facts} aria-label="Facts">
      <Fact title="Merging">
        {gates.length === 0 && <p className="faint">Not examined yet.</p>}
        {gates.map(({ type, status: state, message, reason }) => (
          <p key={type} className={styles.gate} title={reason}>
            <GateIcon status={state} />
            <span>
              {gateNames[type as keyof typeof gateNames]}
              <span className="muted"> {message}</span>
            </span>
          </p>
        ))}
      </Fact>
      <Fact title="Checks">
        {checks.length === 0 && <p className="faint">None on this commit.</p>}
        {checks.map(({ metadata, spec: check, status: result }) => (
          <p key={metadata.uid} className={styles.gate}>
            <GateIcon
              status={
                result?.phase === "Completed" ? (passing.has(result.conclusion ?? "") ? "True" : "False") : "Unknown"
              }
            />
            {check.pipeline ? (
              <Link
                href={`/orgs/${org}/repositories/${spec.repository}/runs/${check.pipeline}`}
                prefetch={false}
                className="link"
              >
                {check.name}
              </Link>
            ) : (
              <span>{check.name}</span>
            )}
            {status?.checks?.required?.includes(check.name) && <span className="badge">required</span>}
          </p>
        ))}
      </Fact>
      <Fact title="Reviewers">
        {(spec.reviewers ?? []).length === 0 && <p className="faint">Nobody was asked.</p>}
        {(spec.reviewers ?? []).map((user) => (
          <p key={user} className={styles.gate}>
            <Avatar name={user} size={18} /> {user}
            {status?.approvals?.some((approval) => approval.user === user) && (
              <span className="badge tone-green">approved</span>
            )}
            {status?.changesRequested?.includes(user) && <span className="badge tone-red">changes</span>}
          </p>
        ))}
      </Fact>
      <Fact title="Runs">
        {pipelines.length === 0 && <p className="faint">None of this commit.</p>}
        {pipelines.map(({ metadata, spec: run, status: state }) => (
          <p key={metadata.uid} className={styles.gate}>
            <PhaseIcon phase={state?.phase ?? "Pending"} />
            <Link
              href={`/orgs/${org}/repositories/${spec.repository}/runs/${metadata.name}`}
              prefetch={false}
              className="link"
            >
              {run.workflowName ?? run.workflow}
            </Link>
            {state?.number !== undefined && <span className="faint">#{state.number}</span>}
          </p>
        ))}
      </Fact>
      <Fact title="Change">
        <p className="tabular">
          <span className="ink-green">+{(status?.additions ?? 0).toLocaleString("en")}</span>{" "}
          <span className="ink-red">−{(status?.deletions ?? 0).toLocaleString("en")}</span>{" "}
          <span className="muted">
            in {status?.changedFilesTotal ?? 0} {status?.changedFilesTotal === 1 ? "file" : "files"}
          </span>
        </p>
        {status?.headSha && (
          <p>
            head <span className="sha">{status.headSha.slice(0, 8)}</span>
          </p>
        )}
        {status?.trust && (
          <p className="muted" title={status.trust.reason}>
            {status.trust.tier} code
          </p>
        )}
      </Fact>
    </aside>
  );
}

const gateNames = {
  Mergeable: "Mergeable.",
  ReviewsSatisfied: "Reviews.",
  ChecksPassed: "Checks.",
  PolicyAllowed: "Policies.",
} as const;

const passing = new Set(["success", "neutral", "skipped"]);

function GateIcon({ status }: { status: string }) {
  if (status === "True") return <CheckCircleFillIcon className="ink-green" aria-label="yes" />;
  if (status === "False") return <XCircleFillIcon className="ink-red" aria-label="no" />;
  return status === "Unknown" ? (
    <DotFillIcon className="ink-amber" aria-label="not yet" />
  ) : (
    <CircleIcon className="ink-grey" aria-label={status} />
  );
}

function Fact({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h2>{title}</h2>
      {children}
    </section>
  );
}
