import { configGroup } from "@krate/kinds";
import { accessReview, type KubeClient } from "@krate/kube";
import type { Authorizer } from "../ports.ts";

/** SubjectAccessReview on the virtual subresources of a repository (kinds.md §5.3). */
export function kubeAuthorizer(client: KubeClient): Authorizer {
  return {
    authorize: ({ user, groups, uid, extra }, { verb, subresource, namespace, repository }) =>
      accessReview(
        client,
        { user, groups, uid, extra },
        { verb, group: configGroup, resource: "repositories", subresource, namespace, name: repository },
      ),
  };
}
