import { answerErrors } from "../../../../../../../upstream/answer-errors.ts";
import { apiScope } from "../../../../../../../upstream/api-scope.ts";
import { content } from "../../../../../../../upstream/gateway.ts";

/** What scripts may ask the gateway for: streams that no page could hold. */
const views = ["blob", "diff"] as const;

const kept = ["content-type", "content-length", "etag", "cache-control", "content-security-policy", "x-krate-commit"];

/** GET `…/blob?rev=&path=`, `…/diff?rev=<base>...<head>&path=`: passed through as it comes, at constant memory. */
export async function GET(
  request: Request,
  { params }: { params: Promise<{ org: string; repository: string; view: string }> },
): Promise<Response> {
  return answerErrors(async () => {
    const { org, repository, view: asked } = await params;
    const view = views.find((name) => name === asked);
    const query = new URL(request.url).searchParams;
    const argument = query.get("rev");
    if (!view || !argument) return Response.json({ message: "blob and diff are served, with ?rev=" }, { status: 404 });
    const { namespace } = await apiScope(org);
    const options = { path: query.get("path") ?? undefined, context: query.get("context") ?? undefined };
    const upstream = await content({ namespace, repository, view, argument, query: options, signal: request.signal });
    const headers = new Headers({ "x-content-type-options": "nosniff" });
    for (const name of kept) {
      const value = upstream.headers.get(name);
      if (value) headers.set(name, value);
    }
    // Compression on the way takes content-length away; the page wants to know how much it would load.
    const size = upstream.headers.get("content-length");
    if (size) headers.set("x-krate-size", size);
    return new Response(upstream.body, { headers });
  });
}
