/** Webhooks that post events elsewhere. */
import { type ObjectOf, resourceNameOf, WebhookSubscription } from "@krate/kinds";
import { type HookMode, type HookRow, rowBase } from "../hook-rows.ts";

const modes: Readonly<Record<string, HookMode>> = { Failing: "failing", Paused: "off", Disabled: "off" };

/** Subscriptions of the repository and those of the whole organization; without a repository, all. */
export function outboundRows(
  subscriptions: readonly ObjectOf<typeof WebhookSubscription>[],
  repository: string | undefined,
): HookRow[] {
  return subscriptions
    .filter(({ spec: { repository: of } }) => [of, repository].includes(undefined) || of === repository)
    .map((subscription) => {
      const { metadata, spec, status } = subscription;
      const { name = "", namespace } = metadata;
      const object = {
        kind: "WebhookSubscription",
        resource: resourceNameOf(WebhookSubscription),
        name,
        ...(namespace && { namespace }),
      };
      const mode = spec.active === false ? "off" : (modes[status?.phase ?? ""] ?? "active");
      const failed = status?.failedLastHour ?? 0;
      const broken = status?.conditions?.find(
        ({ type, status: holds }) => holds === "False" && (type === "EndpointAllowed" || type === "SecretResolved"),
      );
      return {
        type: "hook",
        layer: "webhooks",
        ...rowBase(object, name, metadata.creationTimestamp),
        object,
        engine: "Krate",
        mode,
        what: `Posts to ${hostOf(spec.url)}${scopeText(spec.repository, repository)}.`,
        about: spec.events,
        onlyWhen: filterTexts(spec.filter),
        messages: [],
        ...(failed > 0 && { count: `${failed} failed in the last hour` }),
        ...(broken && { problem: broken.message }),
      };
    });
}

function scopeText(of: string | undefined, page: string | undefined): string {
  if (of === undefined) return ", for every repository of the organization";
  return page === undefined ? `, for ${of}` : "";
}

/** Only the host: the path of a URL is often the secret. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "an address that cannot be read";
}

function filterTexts(filter: { refs?: string[]; labels?: Record<string, string> } | undefined): string[] {
  const labels = Object.entries(filter?.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return [
    ...(filter?.refs?.length ? [`the ref is ${filter.refs.join(" or ")}`] : []),
    ...(labels.length > 0 ? [`the object has ${labels.join(", ")}`] : []),
  ];
}
