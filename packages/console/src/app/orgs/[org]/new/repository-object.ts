/** What the form asks. */
export interface RepositoryAnswers {
  org: string;
  namespace: string;
  name: string;
  description: string;
  visibility: string;
  readme: boolean;
}

export const visibilities = ["private", "internal", "public"] as const;

/** The object the form makes; the `</>` panel shows the same one. */
export function repositoryObject({ org, namespace, name, description, visibility, readme }: RepositoryAnswers) {
  return {
    apiVersion: "krate.a5c.ai/v1alpha1",
    kind: "Repository",
    metadata: { name, namespace },
    spec: {
      organizationRef: org,
      ...(description && { description }),
      visibility: visibilities.find((value) => value === visibility) ?? "internal",
      ...(readme && { initialize: { readme } }),
    },
  };
}
