import { createMetrics } from "@krate/telemetry/metrics";
import type { HookObservation } from "./hooks/wasm-runner.ts";
import type { PushSummary } from "./receive-pack/receive-pack.ts";

/** The gateway's metrics (REF-12: what evaluation costs and how often it refuses). No label holds a repository's name. */
export function gatewayMetrics() {
  const metrics = createMetrics({ component: "git-gateway", processMetrics: true });
  const requests = metrics.histogram({
    name: "krate_git_request_duration_seconds",
    help: "Time from the first header to the last byte of the answer.",
    labels: ["route", "status"],
  });
  const pushes = metrics.counter({ name: "krate_git_pushes_total", help: "Pushes by outcome.", labels: ["outcome"] });
  const refs = metrics.counter({
    name: "krate_git_ref_updates_total",
    help: "Ref updates by decision.",
    labels: ["decision"],
  });
  const evaluation = metrics.histogram({
    name: "krate_git_policy_evaluation_seconds",
    help: "Time the rules of one push took.",
  });
  const hooks = metrics.histogram({
    name: "krate_git_hook_seconds",
    help: "Time WebAssembly hooks ran, by outcome.",
    labels: ["outcome"],
  });
  const fetches = metrics.counter({
    name: "krate_git_fetches_total",
    help: "Fetches by how their answer came about: computed, shared with one under way or just over, or own (not to be shared).",
    labels: ["answer"],
  });
  const limited = metrics.counter({
    name: "krate_git_requests_limited_total",
    help: "Requests refused because their repository or namespace had too many under way.",
  });
  const replays = metrics.counter({
    name: "krate_git_journal_replays_total",
    help: "Pushes finished from the journal.",
  });
  return {
    render: () => metrics.render(),
    contentType: metrics.contentType,
    observeRequest({ route, status, seconds }: { route: string; status: number; seconds: number }) {
      requests.observe({ route, status: String(status) }, seconds);
    },
    observePush({ outcome, refs: total, accepted, evaluationMs }: PushSummary) {
      if (outcome === "probe") return;
      pushes.inc({ outcome });
      refs.inc({ decision: "accepted" }, accepted);
      if (outcome !== "dry-run") refs.inc({ decision: "rejected" }, total - accepted);
      evaluation.observe(evaluationMs / 1000);
    },
    observeHook({ outcome, ranMs }: HookObservation) {
      hooks.observe({ outcome }, ranMs / 1000);
    },
    observeFetch(answer: "computed" | "shared" | "own") {
      fetches.inc({ answer });
    },
    observeLimited() {
      limited.inc();
    },
    observeReplays(count: number) {
      replays.inc(count);
    },
  };
}
