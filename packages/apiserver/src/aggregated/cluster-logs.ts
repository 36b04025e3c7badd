import type { KubeClient } from "@krate/kube";
import type { PodLogs } from "../subresources/pod-logs.ts";

/** Pod logs by the cluster's API server, as ourselves: access to the Job's log was already checked. */
export function clusterLogs(client: KubeClient): PodLogs {
  return {
    open: async ({ namespace, pod, container, query, signal }) => {
      const search = new URLSearchParams(query);
      if (container !== undefined) search.set("container", container);
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log`;
      const response = await client.raw({ path: search.size === 0 ? path : `${path}?${search}`, stream: true, signal });
      return response.body as AsyncIterable<Buffer>;
    },
  };
}
