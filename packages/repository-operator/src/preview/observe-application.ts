/** What an Application says about a preview. Pure. */
import type { ApplicationObject, Preview } from "./application-set.ts";

export interface PreviewState {
  phase: "Pending" | "Ready" | "Failed";
  message: string;
}

/** Ready only when Argo CD runs exactly the head's commit and finds it healthy. */
export function observeApplication(application: ApplicationObject | undefined, { name, sha }: Preview): PreviewState {
  const { health, sync, conditions = [] } = application?.status ?? {};
  const problem = conditions.find(({ type }) => type.endsWith("Error"));
  if (problem) return { phase: "Failed", message: `${problem.type}: ${problem.message}`.slice(0, 1024) };
  if (health?.status === "Degraded" || health?.status === "Missing") {
    return {
      phase: "Failed",
      message: `Application ${name} is ${health.status}${health.message ? `: ${health.message}` : ""}`,
    };
  }
  if (application === undefined) return { phase: "Pending", message: `Argo CD has not made Application ${name} yet` };
  if (sync?.status !== "Synced" || sync.revision !== sha) {
    return { phase: "Pending", message: `Application ${name} is not at commit ${sha.slice(0, 12)} yet` };
  }
  if (health?.status === "Healthy") return { phase: "Ready", message: `commit ${sha.slice(0, 12)} runs` };
  return { phase: "Pending", message: `Application ${name} is ${health?.status ?? "of unknown health"}` };
}
