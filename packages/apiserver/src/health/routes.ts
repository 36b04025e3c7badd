import type { RequestContext } from "../context.ts";
import type { NonResourceRoute } from "../services.ts";

/** One named check; throws when it fails. */
export interface HealthCheck {
  name: string;
  check(): void | Promise<void>;
}

/** Version told at `/version`: that of the Kubernetes API served here, with our own build metadata. */
export const kubernetesVersion = { major: "1", minor: "36", gitVersion: "v1.36.0+krate" };

/** `/livez` (the process runs), `/readyz` and `/healthz` (it can serve), with `?verbose` and `?exclude=`, and `/version`. */
export function healthRoutes(readiness: readonly HealthCheck[]): NonResourceRoute[] {
  const ping: HealthCheck = { name: "ping", check: () => {} };
  const ready = [ping, ...readiness];
  return [
    { path: "/livez", handle: (ctx) => report(ctx, "livez", [ping]) },
    { path: "/readyz", handle: (ctx) => report(ctx, "readyz", ready) },
    { path: "/healthz", handle: (ctx) => report(ctx, "healthz", ready) },
    { path: "/livez/", handle: (ctx) => single(ctx, "livez", [ping]) },
    { path: "/readyz/", handle: (ctx) => single(ctx, "readyz", ready) },
    { path: "/healthz/", handle: (ctx) => single(ctx, "healthz", ready) },
    { path: "/version", handle: version },
  ];
}

function version(ctx: RequestContext): void {
  const body = {
    ...kubernetesVersion,
    gitCommit: "",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: `node${process.versions.node}`,
    compiler: "v8",
    platform: `${process.platform === "win32" ? "windows" : process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`,
  };
  ctx.response = {
    kind: "bytes",
    status: 200,
    contentType: "application/json",
    body: Buffer.from(JSON.stringify(body)),
  };
}

async function single(ctx: RequestContext, root: string, checks: readonly HealthCheck[]): Promise<void> {
  const name = ctx.info.path.slice(root.length + 2);
  await report(
    ctx,
    root,
    checks.filter((each) => each.name === name),
  );
}

async function report(ctx: RequestContext, root: string, checks: readonly HealthCheck[]): Promise<void> {
  const excluded = ctx.params.getAll("exclude");
  const lines: string[] = [];
  let failed = false;
  for (const { name, check } of checks) {
    if (excluded.includes(name)) {
      lines.push(`[+]${name} excluded: ok`);
      continue;
    }
    try {
      await check();
      lines.push(`[+]${name} ok`);
    } catch {
      failed = true;
      lines.push(`[-]${name} failed: reason withheld`);
    }
  }
  const verbose = ctx.params.has("verbose");
  const text = failed
    ? `${lines.join("\n")}\n${root} check failed\n`
    : verbose
      ? `${lines.join("\n")}\n${root} check passed\n`
      : "ok";
  ctx.response = {
    kind: "bytes",
    status: failed ? 500 : 200,
    contentType: "text/plain; charset=utf-8",
    body: Buffer.from(text),
  };
}
