import { ReviewComment } from "@krate/kinds";
import { Markdown } from "../../../../../../../../components/markdown.tsx";
import { DiffView } from "../../../../../../../../diff/diff-view.tsx";
import { threadsOf } from "../../../../../../../../diff/threads.ts";
import { related } from "../../../../../../../../upstream/find.ts";
import { PullFrame } from "../pull-frame.tsx";

export default async function FilesPage({
  params,
}: {
  params: Promise<{ org: string; repository: string; name: string }>;
}) {
  const { org, repository, name } = await params;
  return (
    <PullFrame
      org={org}
      repository={repository}
      name={name}
      render={async ({ spec, status }, namespace) => {
        const threads = threadsOf(await related(ReviewComment, namespace, `spec.pullRequest=${name}`));
        // Rendered here, so that the browser needs no Markdown.
        const bodies = Object.fromEntries(
          threads.flatMap(({ comments }) =>
            comments.map(({ name, body }) => [name, <Markdown key={name} text={body} />] as const),
          ),
        );
        // Commits once known: then the answer never changes and the browser keeps it.
        const base = status?.mergeBaseSha ?? status?.baseSha ?? spec.base;
        const query = new URLSearchParams({ rev: `${base}...${status?.headSha ?? spec.head}` });
        return (
          <DiffView
            url={`/api/orgs/${org}/repositories/${repository}/diff?${query}`}
            threads={threads}
            bodies={bodies}
          />
        );
      }}
    />
  );
}
