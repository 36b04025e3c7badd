import { type ObjectOf, PullRequest } from "@krate/kinds";
import { CommandPanel } from "../../../../../../../components/command-panel.tsx";
import { createCommand, patchCommand } from "../../../../../../../kubectl/commands.ts";
import { toYaml } from "../../../../../../../kubectl/yaml.ts";
import { PullForm } from "./pull-form.tsx";
import { commentObject, mergePatch, reviewObject } from "./pull-writes.ts";

/** Comment, review and merge; what the API will refuse is refused by it, with its reason. */
export function PullActions({
  org,
  namespace,
  pull,
}: {
  org: string;
  namespace: string;
  pull: ObjectOf<typeof PullRequest>;
}) {
  const { metadata, spec, status } = pull;
  const name = metadata.name ?? "";
  const headSha = status?.headSha ?? "";
  const write = { org, namespace, name, body: "…" };
  const commands = [
    { label: "Merge", text: patchCommand(PullRequest, namespace, name, mergePatch(headSha)) },
    { label: "Approve", text: createCommand(toYaml(reviewObject({ ...write, headSha, decision: "approve" }))) },
    { label: "Comment", text: createCommand(toYaml(commentObject(write))) },
  ];
  const isOpen = status?.phase === "Open" || status?.phase === "Draft";
  return (
    <PullForm org={org} name={name} headSha={headSha} canMerge={isOpen && !spec.draft} isOpen={isOpen}>
      <CommandPanel title={spec.title} commands={commands} />
    </PullForm>
  );
}
