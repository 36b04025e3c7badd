import { type ObjectOf, Pipeline } from "@krate/kinds";
import { FileCodeIcon, GitBranchIcon, ListUnorderedIcon } from "@primer/octicons-react";
import Link from "next/link";
import type { ReactNode } from "react";
import { CommandPanel } from "../../../../../../../components/command-panel.tsx";
import { NavLink } from "../../../../../../../components/nav-link.tsx";
import { PhaseBadge } from "../../../../../../../components/phase.tsx";
import { orProblem } from "../../../../../../../components/problem.tsx";
import { Shell } from "../../../../../../../components/shell.tsx";
import { Tabs } from "../../../../../../../components/tabs.tsx";
import { Ago, Duration } from "../../../../../../../components/time.tsx";
import { getCommands } from "../../../../../../../kubectl/commands.ts";
import { RefreshOnChange } from "../../../../../../../live/refresh-on-change.tsx";
import { pageObject } from "../../../../../../../upstream/find.ts";
import { organization } from "../../../../../../../upstream/organization.ts";
import { repositoryPath } from "../../repository-frame.tsx";
import styles from "./run.module.css";

export interface RunFrameProps {
  org: string;
  repository: string;
  name: string;
  render(run: ObjectOf<typeof Pipeline>, namespace: string): Promise<ReactNode>;
}

/** The frame of a run's pages. */
export async function RunFrame({ org, repository, name, render }: RunFrameProps) {
  const { namespace } = await organization(org);
  const path = repositoryPath(org, repository);
  const here = `${path}/runs/${name}`;
  const body = await orProblem("The run cannot be shown", async () => {
    const run = await pageObject(Pipeline, namespace, name);
    const { metadata, spec, status } = run;
    return (
      <>
        <RefreshOnChange
          url={`/api/watch/orgs/${org}/pipelines?name=${name}`}
          version={metadata.resourceVersion ?? ""}
        />
        <div className={styles.head}>
          <h1>
            {spec.workflowName ?? spec.workflow}{" "}
            {status?.number !== undefined && <span className="faint">#{status.number}</span>}
          </h1>
          <CommandPanel title={name} commands={getCommands(Pipeline, namespace, name)} />
        </div>
        <p className={styles.sub}>
          <PhaseBadge phase={status?.phase ?? "Pending"} />
          <span className="ref">
            <GitBranchIcon size={12} /> {spec.ref.replace(/^refs\/(heads|tags)\//, "")}
          </span>
          {spec.sha && <span className="sha">{spec.sha.slice(0, 8)}</span>}
          <span>
            {spec.trigger?.event ?? "started"}
            {spec.trigger?.actor && ` by ${spec.trigger.actor}`}
          </span>
          {spec.pullRequest && (
            <Link href={`${path}/pulls/${spec.pullRequest}`} prefetch={false} className="link">
              {spec.pullRequest}
            </Link>
          )}
          <Ago time={status?.queuedAt ?? metadata.creationTimestamp ?? ""} />
          <Duration from={status?.startedAt} to={status?.completedAt} />
        </p>
        {status?.failure?.message && <p className={styles.failure}>{status.failure.message}</p>}
        <Tabs label="Run">
          <NavLink href={here} exact>
            <ListUnorderedIcon /> Jobs
          </NavLink>
          <NavLink href={`${here}/yaml`}>
            <FileCodeIcon /> YAML
          </NavLink>
        </Tabs>
        {await orProblem("This cannot be shown", () => render(run, namespace))}
      </>
    );
  });
  const crumbs = [
    { label: repository, href: path },
    { label: "Runs", href: `${path}/runs` },
    { label: name, href: here },
  ];
  return (
    <Shell org={org} crumbs={crumbs}>
      {body}
    </Shell>
  );
}
