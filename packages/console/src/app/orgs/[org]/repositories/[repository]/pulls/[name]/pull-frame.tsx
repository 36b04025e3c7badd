import { type ObjectOf, PullRequest } from "@krate/kinds";
import { CommentDiscussionIcon, FileCodeIcon, FileDiffIcon, GitBranchIcon } from "@primer/octicons-react";
import type { ReactNode } from "react";
import { CommandPanel } from "../../../../../../../components/command-panel.tsx";
import { NavLink } from "../../../../../../../components/nav-link.tsx";
import { PhaseBadge } from "../../../../../../../components/phase.tsx";
import { orProblem } from "../../../../../../../components/problem.tsx";
import { Shell } from "../../../../../../../components/shell.tsx";
import { Tabs } from "../../../../../../../components/tabs.tsx";
import { getCommands } from "../../../../../../../kubectl/commands.ts";
import { RefreshOnChange } from "../../../../../../../live/refresh-on-change.tsx";
import { pageObject } from "../../../../../../../upstream/find.ts";
import { organization } from "../../../../../../../upstream/organization.ts";
import { repositoryPath } from "../../repository-frame.tsx";
import styles from "./pull.module.css";

export interface PullFrameProps {
  org: string;
  repository: string;
  name: string;
  render(pull: ObjectOf<typeof PullRequest>, namespace: string): Promise<ReactNode>;
}

/** The frame of a pull request's pages: title, state, tabs. The page is rendered again whenever the object changes. */
export async function PullFrame({ org, repository, name, render }: PullFrameProps) {
  const { namespace } = await organization(org);
  const path = repositoryPath(org, repository);
  const here = `${path}/pulls/${name}`;
  const body = await orProblem("The pull request cannot be shown", async () => {
    const pull = await pageObject(PullRequest, namespace, name);
    const { metadata, spec, status } = pull;
    const files = status?.changedFilesTotal;
    return (
      <>
        <RefreshOnChange
          url={`/api/watch/orgs/${org}/pullrequests?name=${name}`}
          version={metadata.resourceVersion ?? ""}
        />
        <div className={styles.head}>
          <h1>
            {spec.title} <span className="faint">#{status?.number}</span>
          </h1>
          <CommandPanel title={spec.title} commands={getCommands(PullRequest, namespace, name)} />
        </div>
        <p className={styles.sub}>
          <PhaseBadge phase={status?.phase ?? "Open"} />
          <span>
            <strong>{status?.author?.user ?? "somebody"}</strong> wants to merge
          </span>
          <span className="ref">
            <GitBranchIcon size={12} /> {spec.head}
          </span>
          <span>into</span>
          <span className="ref">
            <GitBranchIcon size={12} /> {spec.base}
          </span>
        </p>
        <Tabs label="Pull request">
          <NavLink href={here} exact>
            <CommentDiscussionIcon /> Conversation
          </NavLink>
          <NavLink href={`${here}/files`}>
            <FileDiffIcon /> Files changed{" "}
            {files !== undefined && <span className="badge">{files.toLocaleString("en")}</span>}
          </NavLink>
          <NavLink href={`${here}/yaml`}>
            <FileCodeIcon /> YAML
          </NavLink>
        </Tabs>
        {await orProblem("This cannot be shown", () => render(pull, namespace))}
      </>
    );
  });
  const crumbs = [
    { label: repository, href: path },
    { label: "Pull requests", href: `${path}/pulls` },
    { label: name, href: here },
  ];
  return (
    <Shell org={org} crumbs={crumbs}>
      {body}
    </Shell>
  );
}
