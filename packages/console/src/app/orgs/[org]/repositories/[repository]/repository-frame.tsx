import { Repository } from "@krate/kinds";
import { CodeIcon, FileCodeIcon, GitPullRequestIcon, PlayIcon, RepoIcon, WebhookIcon } from "@primer/octicons-react";
import type { ReactNode } from "react";
import { CommandPanel } from "../../../../../components/command-panel.tsx";
import { NavLink } from "../../../../../components/nav-link.tsx";
import { orProblem } from "../../../../../components/problem.tsx";
import { type Crumb, Shell } from "../../../../../components/shell.tsx";
import { Tabs } from "../../../../../components/tabs.tsx";
import { getCommands } from "../../../../../kubectl/commands.ts";
import { settings } from "../../../../../settings.ts";
import { pageObject } from "../../../../../upstream/find.ts";
import { organization } from "../../../../../upstream/organization.ts";
import { CloneMenu } from "./clone-menu.tsx";
import styles from "./repository.module.css";

/** Where the pages of one repository are. */
export const repositoryPath = (org: string, repository: string) => `/orgs/${org}/repositories/${repository}`;

export interface RepositoryFrameProps {
  org: string;
  repository: string;
  crumbs?: Crumb[];
  render(scope: { namespace: string; defaultBranch: string }): Promise<ReactNode>;
}

/** The frame of a repository's pages: its name, how to clone it, its tabs. */
export async function RepositoryFrame({ org, repository, crumbs = [], render }: RepositoryFrameProps) {
  const { namespace } = await organization(org);
  const path = repositoryPath(org, repository);
  const body = await orProblem("The repository cannot be shown", async () => {
    const { spec, status } = await pageObject(Repository, namespace, repository);
    const cloneUrl = status?.cloneUrls?.http ?? `${settings().config.gitUrl}/${namespace}/${repository}.git`;
    return (
      <>
        <div className={styles.head}>
          <RepoIcon size={20} className="ink-grey" />
          <h1>{repository}</h1>
          <span className="badge">{spec.visibility ?? "internal"}</span>
          {spec.archived && <span className="badge tone-amber">archived</span>}
          <span className="grow" />
          <CommandPanel title={repository} commands={getCommands(Repository, namespace, repository)} />
          <CloneMenu url={cloneUrl} />
        </div>
        {spec.description && <p className={`muted ${styles.description}`}>{spec.description}</p>}
        <Tabs label="Repository">
          <NavLink href={path} also={[`${path}/tree`, `${path}/blob`]}>
            <CodeIcon /> Code
          </NavLink>
          <NavLink href={`${path}/pulls`}>
            <GitPullRequestIcon /> Pull requests
          </NavLink>
          <NavLink href={`${path}/runs`}>
            <PlayIcon /> Runs
          </NavLink>
          <NavLink href={`${path}/hooks`}>
            <WebhookIcon /> Hooks
          </NavLink>
          <NavLink href={`${path}/yaml`}>
            <FileCodeIcon /> YAML
          </NavLink>
        </Tabs>
        {
          await orProblem("This cannot be shown", () =>
            render({ namespace, defaultBranch: spec.defaultBranch ?? "main" }),
          )
        }
      </>
    );
  });
  return (
    <Shell org={org} crumbs={[{ label: repository, href: path }, ...crumbs]}>
      {body}
    </Shell>
  );
}
