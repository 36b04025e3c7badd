import type { RequestContext } from "../context.ts";

/** Where a container's log is read: from the node that runs it (standalone) or by the cluster's API server (aggregated). */
export interface PodLogs {
  /**
   * Opens the log; `query` holds the options of PodLogOptions (`follow`, `tailLines`…).
   * @throws NotFound, BadRequest (no such container, not started), ServiceUnavailable (the node does not answer)
   */
  open(request: {
    namespace: string;
    pod: string;
    container?: string | undefined;
    query: URLSearchParams;
    signal: AbortSignal;
  }): Promise<AsyncIterable<Buffer>>;
}

/** `pods/log`. */
export function podLog(logs: PodLogs): (ctx: RequestContext) => Promise<void> {
  return async (ctx) => {
    const { namespace, name } = ctx.target;
    const query = new URLSearchParams(ctx.params);
    const container = query.get("container") ?? undefined;
    query.delete("container");
    const chunks = await logs.open({ namespace, pod: name, container, query, signal: ctx.signal });
    ctx.response = { kind: "stream", status: 200, contentType: "text/plain", chunks };
  };
}
