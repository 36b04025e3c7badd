import { CheckRun, IssueComment, Pipeline, Review, ReviewComment } from "@krate/kinds";
import type { Metadata } from "next";
import { related } from "../../../../../../../upstream/find.ts";
import styles from "./pull.module.css";
import { PullActions } from "./pull-actions.tsx";
import { PullFacts } from "./pull-facts.tsx";
import { PullFrame } from "./pull-frame.tsx";
import { Timeline } from "./timeline.tsx";
import { timelineOf } from "./timeline-entries.ts";

type Params = Promise<{ org: string; repository: string; name: string }>;

export async function generateMetadata({ params }: { params: Params }): Promise<Metadata> {
  return { title: (await params).name };
}

export default async function PullRequestPage({ params }: { params: Params }) {
  const { org, repository, name } = await params;
  return (
    <PullFrame
      org={org}
      repository={repository}
      name={name}
      render={async (pull, namespace) => {
        const ofPull = `spec.pullRequest=${name}`;
        const headSha = pull.status?.headSha;
        const ofHead = `spec.repository=${repository},spec.sha=${headSha}`;
        const [reviews, lineComments, comments, checks, pipelines] = await Promise.all([
          related(Review, namespace, ofPull),
          related(ReviewComment, namespace, ofPull),
          related(IssueComment, namespace, `spec.target.name=${name}`),
          headSha ? related(CheckRun, namespace, ofHead) : [],
          headSha ? related(Pipeline, namespace, ofHead) : [],
        ]);
        return (
          <div className={styles.columns}>
            <div className={styles.main}>
              <Timeline
                entries={timelineOf({ pull, reviews, lineComments, comments })}
                files={`/orgs/${org}/repositories/${repository}/pulls/${name}/files`}
              />
              <PullActions org={org} namespace={namespace} pull={pull} />
            </div>
            <PullFacts org={org} pull={pull} checks={checks} pipelines={pipelines} />
          </div>
        );
      }}
    />
  );
}
