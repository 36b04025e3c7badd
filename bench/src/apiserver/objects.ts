/** The objects both servers hold: pull requests of about 2 KB as stored. */
import { PullRequest } from "@krate/kinds";

export const namespace = "bench";
export const repository = "bench";
export const collection = `/apis/${PullRequest.group}/${PullRequest.version}/namespaces/${namespace}/${PullRequest.plural}`;

/** With this body text an object comes to about 2 KB with its metadata. */
const text = "Speeds up the thing that was slow, and says how that was measured. ".repeat(15);

/** Label `bench` tells what is listed from what is created while measuring. */
export function bodyOf(name: string, kind: "seed" | "run" = "run"): Buffer {
  return Buffer.from(
    JSON.stringify({
      apiVersion: `${PullRequest.group}/${PullRequest.version}`,
      kind: PullRequest.kind,
      metadata: { name, namespace, labels: { bench: kind } },
      spec: { organizationRef: "bench", repository, title: `Change ${name}`, body: text, head: name, base: "main" },
    }),
  );
}
