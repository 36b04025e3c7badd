import {
  CheckCircleFillIcon,
  CircleIcon,
  CircleSlashIcon,
  ClockIcon,
  DotFillIcon,
  GitMergeIcon,
  GitPullRequestClosedIcon,
  GitPullRequestDraftIcon,
  GitPullRequestIcon,
  type Icon,
  SkipIcon,
  StopwatchIcon,
  SyncIcon,
  XCircleFillIcon,
} from "@primer/octicons-react";

export type Tone = "green" | "red" | "amber" | "violet" | "accent" | "grey";

interface Look {
  icon: Icon;
  tone: Tone;
  motion?: "spin" | "pulse";
}

/** How each phase of each kind looks; words are the API's own. */
const looks: Readonly<Record<string, Look>> = {
  Open: { icon: GitPullRequestIcon, tone: "green" },
  Draft: { icon: GitPullRequestDraftIcon, tone: "grey" },
  Merging: { icon: GitMergeIcon, tone: "violet", motion: "pulse" },
  Merged: { icon: GitMergeIcon, tone: "violet" },
  Closed: { icon: GitPullRequestClosedIcon, tone: "red" },
  Pending: { icon: CircleIcon, tone: "grey" },
  Queued: { icon: ClockIcon, tone: "amber" },
  Starting: { icon: SyncIcon, tone: "accent", motion: "spin" },
  Running: { icon: SyncIcon, tone: "accent", motion: "spin" },
  Succeeded: { icon: CheckCircleFillIcon, tone: "green" },
  Failed: { icon: XCircleFillIcon, tone: "red" },
  Cancelled: { icon: CircleSlashIcon, tone: "grey" },
  Skipped: { icon: SkipIcon, tone: "grey" },
  TimedOut: { icon: StopwatchIcon, tone: "red" },
  Rejected: { icon: CircleSlashIcon, tone: "red" },
  Ready: { icon: CheckCircleFillIcon, tone: "green" },
  Provisioning: { icon: SyncIcon, tone: "accent", motion: "spin" },
  Degraded: { icon: XCircleFillIcon, tone: "amber" },
  Terminating: { icon: SyncIcon, tone: "red", motion: "pulse" },
};

const unknown: Look = { icon: DotFillIcon, tone: "grey" };

/** The icon of a phase, in its colour; its name is read aloud. */
export function PhaseIcon({ phase, size = 16 }: { phase: string; size?: number }) {
  const { icon: Shape, tone, motion } = looks[phase] ?? unknown;
  return <Shape size={size} className={`ink-${tone} ${motion ?? ""}`} aria-label={phase} />;
}

/** The phase as a pill. */
export function PhaseBadge({ phase }: { phase: string }) {
  const { icon: Shape, tone, motion } = looks[phase] ?? unknown;
  return (
    <span className={`badge tone-${tone}`}>
      <Shape size={14} className={motion} /> {phase}
    </span>
  );
}
