import { ApiError, badRequest } from "@krate/kinds";
import type { RequestContext, Response, Stage } from "../context.ts";
import type { NonResourceRoute } from "../services.ts";

/**
 * Answers paths that are not resources (version, health, metrics, discovery, OpenAPI); for resources, 404 when there is no such
 * resource or subresource and 405 when it does not have the verb.
 */
export function route(routes: readonly NonResourceRoute[]): Stage {
  const exact = new Map(routes.filter(({ path }) => !path.endsWith("/")).map((each) => [each.path, each]));
  const below = routes.filter(({ path }) => path.endsWith("/"));
  return async (ctx, next) => {
    if (ctx.info.isResource) {
      checkServed(ctx);
      return next(ctx);
    }
    const path = ctx.info.path.length > 1 ? ctx.info.path.replace(/\/$/, "") : ctx.info.path;
    const found = exact.get(path) ?? below.find((each) => path.startsWith(each.path));
    if (found === undefined) ctx.response = pageNotFound;
    else await found.handle(ctx);
    if (ctx.response === undefined) throw unknownPath();
    return next(ctx);
  };
}

/** What a Go server says about a path it does not know at all. */
export const pageNotFound: Response = {
  kind: "bytes",
  status: 404,
  contentType: "text/plain; charset=utf-8",
  body: Buffer.from("404 page not found\n"),
};

export function unknownPath(): ApiError {
  return new ApiError("NotFound", "the server could not find the requested resource", { details: {} });
}

function checkServed(ctx: RequestContext): void {
  const { verb, subresource, name, namespace } = ctx.target;
  const { resource } = ctx;
  if (resource === undefined) {
    if (!ctx.services.registry.hasGroupVersion(ctx.target.group, ctx.target.version)) {
      ctx.response = pageNotFound;
      return;
    }
    throw unknownPath();
  }
  if (namespace !== "" && !resource.namespaced && resource.plural !== "namespaces") throw unknownPath();
  if (subresource === "") {
    if (!(resource.verbs as readonly string[]).includes(verb)) throw notAllowed();
    if (name === "" && (verb === "update" || verb === "patch")) {
      if (resource.namesItsType) throw badRequest("name must be provided");
      throw notAllowed();
    }
    if (resource.namespaced && namespace === "" && verb !== "list" && verb !== "watch") {
      if (!resource.namesItsType && ctx.info.path.endsWith(`/${resource.plural}`)) throw notAllowed();
      ctx.response = pageNotFound;
    }
    return;
  }
  if (subresource === "status" && resource.hasStatus) {
    if (verb !== "get" && verb !== "update" && verb !== "patch") throw notAllowed();
    return;
  }
  const found = resource.subresources.get(subresource);
  if (found === undefined) throw unknownPath();
  if (!(found.verbs as readonly string[]).includes(verb)) throw notAllowed();
}

function notAllowed(): ApiError {
  return new ApiError("MethodNotAllowed", "the server does not allow this method on the requested resource", {
    details: {},
  });
}
