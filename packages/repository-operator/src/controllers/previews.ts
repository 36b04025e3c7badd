/**
 * One environment per open, trusted pull request, by an Argo CD ApplicationSet, gone when the pull request ends (PR-09, CLI-07). Nothing
 * is watched in Argo CD, which may not be installed: an environment that is not ready is looked at again after a while.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Controller,
  defineController,
  done,
  type ProgramContext,
  type ReconcileContext,
  type ReconcileResult,
  watch,
} from "@krate/controller";
import { isFalse, isReason, isTrue, labels, type ObjectOf, PullRequest, Repository, toLabelValue } from "@krate/kinds";
import type { KubeClient, ObjectKey } from "@krate/kube";
import {
  Application,
  ApplicationSet,
  type Preview,
  previewLabel,
  pullRequestAnnotation,
  renderPreview,
} from "../preview/application-set.ts";
import { observeApplication } from "../preview/observe-application.ts";
import { hasEnded, type PullRequestObject, type PullRequestStatus } from "../pull-request/status.ts";
import { indexes } from "./indexes.ts";

type Result = ReconcileResult<PullRequestStatus>;

const pendingSeconds = 5;
/** A ready one may still break. */
const readySeconds = 60;
const notInstalledSeconds = 300;
const fieldManager = "krate-previews";

export function previews(gitUrl: string): Controller {
  return defineController({
    name: "previews",
    for: PullRequest,
    concurrency: 4,
    watches: [
      watch(Repository, ({ metadata }, { lister }) =>
        lister(PullRequest)
          .byIndex(indexes.open, `${metadata.namespace}/${metadata.name}`)
          .map(({ metadata: { namespace = "", name = "" } }) => ({ namespace, name })),
      ),
    ],
    async reconcile(pullRequest, context) {
      const repository = context
        .lister(Repository)
        .get({ namespace: pullRequest.metadata.namespace ?? "", name: pullRequest.spec.repository });
      const wanted = wantedPreview(pullRequest, repository, gitUrl);
      return "preview" in wanted ? provide(wanted.preview, context) : remove(pullRequest, wanted.because, context);
    },
  });
}

type Wanted = { preview: Preview } | { because: "NotConfigured" | "Untrusted" | "Removed" | undefined };

function wantedPreview(
  pullRequest: PullRequestObject,
  repository: ObjectOf<typeof Repository> | undefined,
  gitUrl: string,
): Wanted {
  const spec = repository?.spec.preview;
  if (hasEnded(pullRequest)) return { because: "Removed" };
  if (!spec) return { because: "NotConfigured" };
  const { status } = pullRequest;
  if (status?.trust?.tier !== "trusted" && spec.untrusted !== true) return { because: "Untrusted" };
  if (!status?.headSha) return { because: undefined };
  return { preview: renderPreview({ ...pullRequest, status: { ...status, headSha: status.headSha } }, spec, gitUrl) };
}

async function provide(preview: Preview, { client, signal }: ReconcileContext): Promise<Result> {
  const { applicationSet, argocdNamespace, name, namespace, url } = preview;
  try {
    await client.apply(ApplicationSet, applicationSet, { fieldManager, force: true, signal });
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
    const message = `no ApplicationSet can be made in namespace ${argocdNamespace}: install Argo CD there, or change spec.preview.argocdNamespace of the repository`;
    return { conditions: [isFalse("PreviewReady", "NotInstalled", message)], requeueAfterSeconds: notInstalledSeconds };
  }
  const application = await client.find(Application, { namespace: argocdNamespace, name }, { signal });
  const { phase, message } = observeApplication(application, preview);
  return {
    status: { preview: { phase, applicationSet: name, namespace, ...(url !== undefined && { url }) } },
    conditions: [
      phase === "Ready" ? isTrue("PreviewReady", "Ready", message) : isFalse("PreviewReady", phase, message),
    ],
    requeueAfterSeconds: phase === "Ready" ? readySeconds : pendingSeconds,
  };
}

/** Nothing is written about a pull request that never had a preview. */
async function remove(
  pullRequest: PullRequestObject,
  because: "NotConfigured" | "Untrusted" | "Removed" | undefined,
  { client, signal }: ReconcileContext,
): Promise<Result> {
  const before = pullRequest.status?.preview;
  if (because === undefined) return done();
  if (!before) {
    return because === "Untrusted"
      ? done({
          conditions: [
            isFalse(
              "PreviewReady",
              because,
              "code from a fork is not deployed, unless the repository says spec.preview.untrusted",
            ),
          ],
        })
      : done();
  }
  if (before.phase === "Removed") return done();
  const { namespace = "", name = "" } = pullRequest.metadata;
  await deletePreviews(client, signal, {
    labelSelector: `${labels.pullRequest}=${toLabelValue(name)}`,
    isChosen: (preview) => preview.of.namespace === namespace && preview.of.name === name,
  });
  return done({
    status: { preview: { phase: "Removed" } },
    conditions: [isFalse("PreviewReady", because, "the environment was removed")],
  });
}

/** An ApplicationSet that was made here. */
interface Found {
  /** Its pull request. */
  of: ObjectKey;
  key: ObjectKey & { namespace: string };
}

async function deletePreviews(
  client: KubeClient,
  signal: AbortSignal,
  { labelSelector, isChosen }: { labelSelector?: string; isChosen: (preview: Found) => boolean },
): Promise<void> {
  const selector = [`${previewLabel}=true`, ...(labelSelector ? [labelSelector] : [])].join(",");
  try {
    for await (const { metadata } of client.listAll(ApplicationSet, { labelSelector: selector, signal })) {
      const [namespace = "", name = ""] = (metadata?.annotations?.[pullRequestAnnotation] ?? "").split("/");
      const key = { namespace: metadata?.namespace ?? "", name: metadata?.name ?? "" };
      if (isChosen({ of: { namespace, name }, key })) await client.delete(ApplicationSet, key, { signal });
    }
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error; // without Argo CD there is nothing to delete
  }
}

const sweepMilliseconds = 30_000;

/**
 * Removes, every while, the previews nobody reconciles any more: of pull requests that were deleted as objects, and those in a namespace
 * that a repository named before.
 */
export async function sweepPreviews({ client, lister, log }: ProgramContext, signal: AbortSignal): Promise<void> {
  const isLost = ({ of, key }: Found) => {
    const pullRequest = lister(PullRequest).get(of);
    if (!pullRequest) return true;
    const repository = lister(Repository).get({ namespace: of.namespace ?? "", name: pullRequest.spec.repository });
    return (repository?.spec.preview?.argocdNamespace ?? key.namespace) !== key.namespace;
  };
  await lister(PullRequest).synced();
  await lister(Repository).synced();
  while (!signal.aborted) {
    try {
      await deletePreviews(client, signal, { isChosen: isLost });
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, "previews that nobody needs were not swept; trying again later");
    }
    await sleep(sweepMilliseconds, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
