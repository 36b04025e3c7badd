/** The objects behind the buttons of a pull request: what is sent, and what the `</>` panel shows, are the same. */
export interface Write {
  org: string;
  namespace: string;
  /** The pull request. */
  name: string;
  body: string;
}

export function commentObject({ org, namespace, name, body }: Write) {
  return {
    apiVersion: "forge.krate.a5c.ai/v1alpha1",
    kind: "IssueComment",
    metadata: { generateName: `${name}-`, namespace },
    spec: { organizationRef: org, target: { kind: "PullRequest" as const, name }, body },
  };
}

/** A verdict on exactly the commit that was on the screen. */
export function reviewObject({
  org,
  namespace,
  name,
  body,
  headSha,
  decision,
}: Write & { headSha: string; decision: "approve" | "request-changes" }) {
  return {
    apiVersion: "forge.krate.a5c.ai/v1alpha1",
    kind: "Review",
    metadata: { generateName: `${name}-`, namespace },
    spec: {
      organizationRef: org,
      pullRequest: name,
      decision,
      ...(headSha && { commitSha: headSha }),
      ...(body && { body }),
    },
  };
}

/** Merges the commit that was on the screen, or nothing. */
export function mergePatch(headSha: string) {
  return { spec: { merged: true, ...(headSha && { expectedHeadSha: headSha }) } };
}
