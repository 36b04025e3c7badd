/** The entries of a tab whose sources hold what a test gives. Only tests load this. */
import type { KubernetesObject } from "@krate/kinds";
import { hookEntries, type SourceContent } from "./explorer.ts";
import type { HookRow } from "./hook-rows.ts";
import { hookSources, type SourceName } from "./sources.ts";

export const now = new Date("2026-11-24T15:00:00Z");
export const createdAt = "2026-11-01T00:00:00Z";

export type Contents = Partial<Record<SourceName, object[] | Partial<SourceContent>>>;

export const repository = { metadata: { name: "shop", labels: { tier: "gold" } }, spec: { organizationRef: "demo" } };

/** Everything else is there and empty. */
export function entriesOf(contents: Contents, { page }: { page: string | undefined } = { page: "shop" }) {
  const sources = Object.fromEntries(
    Object.keys(hookSources).map((name) => {
      const given = contents[name as SourceName] ?? (name === "repository" ? [repository] : []);
      const content = Array.isArray(given) ? { objects: given as KubernetesObject[] } : given;
      return [name, { state: "ready", objects: [], truncated: false, ...content }];
    }),
  ) as unknown as Record<SourceName, SourceContent>;
  return hookEntries({ namespace: "krate-org-demo", repository: page, namespaceLabels: {}, sources, now });
}

export const hooksOf = (contents: Contents) =>
  entriesOf(contents).filter((entry): entry is HookRow => entry.type === "hook");

export const named = (name: string, more: object) => ({ metadata: { name, creationTimestamp: createdAt }, ...more });
