import { type ObjectOf, Repository } from "@krate/kinds";
import type { Informer, KubeClient } from "@krate/kube";
import type { Repositories, RepositoryLfs, RepositoryView } from "../ports.ts";

type RepositoryObject = ObjectOf<typeof Repository>;

/** Repositories from the local copy; one that is not in it yet is asked for, so that a push right after creation finds it. */
export function kubeRepositories(copy: Informer<RepositoryObject>, client: KubeClient): Repositories {
  return {
    async find(namespace, name) {
      const object = copy.get({ namespace, name }) ?? (await client.find(Repository, { namespace, name }));
      return object && viewOf(object);
    },
  };
}

function lfsOf({ lfs, bucketRef, prefix }: RepositoryObject["spec"]["objectStorage"] & object = {}): RepositoryLfs {
  return { enabled: lfs?.enabled ?? true, ...(bucketRef && { bucket: bucketRef }), ...(prefix && { prefix }) };
}

function viewOf({ metadata, spec }: RepositoryObject): RepositoryView {
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name ?? "",
    uid: metadata.uid ?? "",
    organization: spec.organizationRef,
    visibility: spec.visibility ?? "private",
    defaultBranch: spec.defaultBranch ?? "main",
    archived: spec.archived ?? false,
    terminating: metadata.deletionTimestamp !== undefined,
    lfs: lfsOf(spec.objectStorage),
  };
}
