"use client";
import { useMemo, useState } from "react";
import { CommandPanel } from "../../../../../../../components/command-panel.tsx";
import { LiveMark } from "../../../../../../../components/live-table.tsx";
import { PhaseIcon } from "../../../../../../../components/phase.tsx";
import { Duration } from "../../../../../../../components/time.tsx";
import type { JobRow, StepRow } from "../../../../../../../live/rows.ts";
import { useLiveList } from "../../../../../../../live/use-live-list.ts";
import { LogView } from "../../../../../../../log/log-view.tsx";
import styles from "./run.module.css";

/** Which job one sees first: what runs, else what failed, else the first. */
const interest: Readonly<Record<string, number>> = { Running: 0, Starting: 1, Failed: 2, TimedOut: 2 };
const interestOf = ({ phase }: JobRow) => interest[phase] ?? 3;

/** Jobs with their steps on the left, the log of one of them on the right; all of it live. */
export function RunView({ org, namespace, run }: { org: string; namespace: string; run: string }) {
  const { rows, synced, connected, problem } = useLiveList<JobRow>(`/api/watch/orgs/${org}/jobs?pipeline=${run}`);
  const jobs = useMemo(
    () => [...rows.values()].sort((a, b) => a.index - b.index || a.job.localeCompare(b.job)),
    [rows],
  );
  const [picked, setPicked] = useState<string>();
  const [step, setStep] = useState<{ number: number }>();
  const first = [...jobs].sort((a, b) => interestOf(a) - interestOf(b))[0];
  const job = jobs.find(({ name }) => name === picked) ?? first;
  // The first choice stays, whatever its job does next.
  if (picked === undefined && first && synced) setPicked(first.name);
  const pick = (name: string, number?: number) => {
    setPicked(name);
    setStep(number === undefined ? undefined : { number });
  };
  if (problem) return <p role="alert">{problem.message}</p>;
  return (
    <div className={styles.panes}>
      <nav className={styles.jobs} aria-label="Jobs">
        <div className={styles.jobsHead}>
          <strong>
            {jobs.length} {jobs.length === 1 ? "job" : "jobs"}
          </strong>
          <LiveMark connected={connected} />
        </div>
        {synced && jobs.length === 0 && <p className="muted">No job was made yet.</p>}
        <ul>
          {jobs.map((item) => (
            <Job key={item.uid} job={item} current={item === job} onPick={pick} />
          ))}
        </ul>
      </nav>
      {job && (
        <section className={styles.log} aria-label={`Log of ${job.title}`}>
          <div className={styles.logHead}>
            <PhaseIcon phase={job.phase} />
            <strong className="truncate">{job.title}</strong>
            {job.message && job.phase === "Failed" && <span className="ink-red truncate">{job.message}</span>}
            <span className="grow" />
            <span className="faint">
              {job.pool} · {job.trust}
            </span>
            <CommandPanel title={job.title} commands={jobCommands(job, namespace)} />
          </div>
          {job.hints.map(({ reason, message }) => (
            <p key={reason} className={styles.hint}>
              <strong>{reason}</strong> {message}
            </p>
          ))}
          <LogView
            key={job.name}
            url={`/api/orgs/${org}/jobs/${job.name}/log`}
            steps={job.steps}
            goTo={step}
            waiting={job.phase === "Pending" || job.phase === "Queued"}
            skipped={job.phase === "Skipped"}
          />
        </section>
      )}
    </div>
  );
}

function Job({ job, current, onPick }: { job: JobRow; current: boolean; onPick(name: string, step?: number): void }) {
  return (
    <li>
      <button
        type="button"
        className={styles.job}
        aria-current={current ? "true" : undefined}
        onClick={() => onPick(job.name)}
      >
        <PhaseIcon phase={job.phase} />
        <span className="grow truncate">{job.title}</span>
        <span className="faint">
          <Duration from={job.startedAt} to={job.completedAt} />
        </span>
      </button>
      {current && (
        <ol className={styles.steps}>
          {job.steps.map((step) => (
            <Step key={step.number} step={step} onPick={() => onPick(job.name, step.number)} />
          ))}
        </ol>
      )}
    </li>
  );
}

function Step({ step, onPick }: { step: StepRow; onPick(): void }) {
  return (
    <li>
      <button type="button" onClick={onPick}>
        <PhaseIcon phase={step.phase} size={14} />
        <span className="grow truncate">{step.name}</span>
        <span className="faint">
          <Duration from={step.startedAt} to={step.completedAt} />
        </span>
      </button>
    </li>
  );
}

function jobCommands(job: JobRow, namespace: string) {
  const raw = `/apis/forge.krate.a5c.ai/v1alpha1/namespaces/${namespace}/jobs/${job.name}/log`;
  return [
    { label: "Show", text: `kubectl get jobs.forge.krate.a5c.ai ${job.name} -n ${namespace} -o yaml` },
    { label: "Log", text: `kubectl get --raw '${raw}'` },
    ...(job.pod ? [{ label: "Log of the Pod", text: `kubectl logs -f ${job.pod.name} -n ${job.pod.namespace}` }] : []),
  ];
}
