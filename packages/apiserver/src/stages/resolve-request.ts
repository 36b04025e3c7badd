import type { Stage } from "../context.ts";
import { parseRequestInfo } from "../request-info.ts";
import type { ResourceRegistry } from "../resources/registry.ts";

/** Reads verb, group, resource, namespace and name off the URL. An unknown resource is a 404 of `route`, after authorization. */
export function resolveRequest(registry: ResourceRegistry): Stage {
  return (ctx, next) => {
    ctx.info = parseRequestInfo(ctx.exchange.method, ctx.exchange.path, ctx.params);
    if (ctx.info.isResource) ctx.resource = registry.find(ctx.info.group, ctx.info.version, ctx.info.resource);
    return next(ctx);
  };
}
