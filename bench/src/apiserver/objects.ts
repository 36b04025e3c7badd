/** The objects all servers hold: pull requests of about 2 KB as stored. */
import { type CustomResourceDefinition, crdOf } from "@krate/codegen";
import { PullRequest } from "@krate/kinds";

export const namespace = "bench";
export const repository = "bench";

/** Of the anchor's custom resource; not that of the records, which the aggregator hands to Krate in the same cluster. */
export const anchorGroup = "anchor.krate.a5c.ai";

export function collectionOf(group: string): string {
  return `/apis/${group}/${PullRequest.version}/namespaces/${namespace}/${PullRequest.plural}`;
}

/** The schema, rules and columns of PullRequest under another group. */
export function anchorDefinition(): CustomResourceDefinition {
  const { spec, ...definition } = crdOf(PullRequest);
  const metadata = { name: `${spec.names.plural}.${anchorGroup}` };
  return { ...definition, metadata, spec: { ...spec, group: anchorGroup } };
}

/** With this body text an object comes to about 2 KB with its metadata. */
const text = "Speeds up the thing that was slow, and says how that was measured. ".repeat(15);

/** Label `bench` tells what is listed from what is created while measuring. */
export function bodyOf(group: string, name: string, kind: "seed" | "run" = "run"): Buffer {
  return Buffer.from(
    JSON.stringify({
      apiVersion: `${group}/${PullRequest.version}`,
      kind: PullRequest.kind,
      metadata: { name, namespace, labels: { bench: kind } },
      spec: { organizationRef: "bench", repository, title: `Change ${name}`, body: text, head: name, base: "main" },
    }),
  );
}
