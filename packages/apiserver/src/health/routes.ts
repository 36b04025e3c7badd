import { redactText } from "@krate/telemetry";
import type { RequestContext } from "../context.ts";
import type { NonResourceRoute } from "../services.ts";
import { pageNotFound } from "../stages/route.ts";

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

/** One check by its name, told with its reason: who may read it here may know. 404 when there is none of that name. */
async function single(ctx: RequestContext, root: string, checks: readonly HealthCheck[]): Promise<void> {
  const name = ctx.info.path.slice(root.length + 2);
  const found = checks.find((each) => each.name === name);
  if (found === undefined) {
    ctx.response = pageNotFound;
    return;
  }
  try {
    await found.check();
    answer(ctx, okCode, "ok");
  } catch (error) {
    answer(ctx, failedCode, `internal server error: ${redactText((error as Error).message)}\n`);
  }
}

const okCode = 200;
const failedCode = 500;

/** Reasons are withheld: this is open to everybody. Source: k8s.io/apiserver/pkg/server/healthz/healthz.go. */
async function report(ctx: RequestContext, root: string, checks: readonly HealthCheck[]): Promise<void> {
  const excluded = new Set(ctx.params.getAll("exclude"));
  const lines: string[] = [];
  let failed = false;
  for (const { name, check } of checks) {
    if (excluded.delete(name)) {
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
  if (excluded.size > 0) {
    const names = [...excluded].sort().map((name) => JSON.stringify(name));
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names.join(", ")}`);
  }
  const whole = `${lines.join("\n")}\n${root} check`;
  if (failed) answer(ctx, failedCode, `${whole} failed\n`);
  else answer(ctx, okCode, ctx.params.has("verbose") ? `${whole} passed\n` : "ok");
}

function answer(ctx: RequestContext, status: number, text: string): void {
  ctx.response = {
    kind: "bytes",
    status,
    contentType: "text/plain; charset=utf-8",
    body: Buffer.from(text),
    headers: { "x-content-type-options": "nosniff" },
  };
}
