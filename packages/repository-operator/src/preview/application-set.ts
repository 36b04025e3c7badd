/**
 * The ApplicationSet of a pull request's preview environment (PR-09). Pure. Argo CD's API:
 * https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/
 */
import { createHash } from "node:crypto";
import type { KindRef, KubernetesObject, ObjectMeta, ObjectOf, PullRequest, Repository } from "@krate/kinds";
import { labels, toLabelValue } from "@krate/kinds";

type PullRequestObject = ObjectOf<typeof PullRequest>;
type PreviewSpec = NonNullable<ObjectOf<typeof Repository>["spec"]["preview"]>;

export interface ApplicationSetObject extends KubernetesObject {
  metadata: ObjectMeta & { name: string };
  spec?: object;
}

export interface ApplicationObject extends KubernetesObject {
  status?: {
    health?: { status?: string; message?: string };
    sync?: { status?: string; revision?: string };
    conditions?: { type: string; message: string }[];
  };
}

const argo = { group: "argoproj.io", version: "v1alpha1", scope: "Namespaced" } as const;
export const ApplicationSet: KindRef<ApplicationSetObject> = {
  ...argo,
  kind: "ApplicationSet",
  plural: "applicationsets",
};
export const Application: KindRef<ApplicationObject> = { ...argo, kind: "Application", plural: "applications" };

/** Annotation of an ApplicationSet: `<namespace>/<name>` of its pull request, which labels are too short for. */
export const pullRequestAnnotation = "krate.a5c.ai/preview-of";
/** Label of every ApplicationSet made here. */
export const previewLabel = "krate.a5c.ai/preview";

export interface Preview {
  applicationSet: ApplicationSetObject;
  /** ApplicationSet and its Application are named alike. */
  name: string;
  argocdNamespace: string;
  /** Where the environment runs. */
  namespace: string;
  url: string | undefined;
  /** Commit that runs there. */
  sha: string;
}

/** What the environment of an open pull request should be. Its head must be known. */
export function renderPreview(
  pullRequest: PullRequestObject & { status: { headSha: string } },
  spec: PreviewSpec,
  gitUrl: string,
): Preview {
  const { metadata, status } = pullRequest;
  const { headSha: sha } = status;
  const of = { namespace: metadata.namespace ?? "", name: metadata.name ?? "" };
  const values = { number: String(status.number ?? ""), name: of.name, branch: pullRequest.spec.head, sha };
  const name = shortName(`${of.namespace}-${of.name}`);
  const namespace = shortName(fill(spec.namespace ?? "preview-{name}", { ...values, branch: dnsLabel(values.branch) }));
  const url = spec.url && fill(spec.url, { ...values, branch: dnsLabel(values.branch) });
  const argocdNamespace = spec.argocdNamespace ?? "argocd";
  const ownLabels = {
    [previewLabel]: "true",
    [labels.repository]: toLabelValue(pullRequest.spec.repository),
    [labels.pullRequest]: toLabelValue(of.name),
  };
  return {
    name,
    argocdNamespace,
    namespace,
    url,
    sha,
    applicationSet: {
      metadata: {
        namespace: argocdNamespace,
        name,
        labels: ownLabels,
        annotations: { [pullRequestAnnotation]: `${of.namespace}/${of.name}` },
      },
      spec: {
        goTemplate: true,
        goTemplateOptions: ["missingkey=error"],
        generators: [{ list: { elements: [{ ...values, namespace }] } }],
        template: {
          metadata: {
            name,
            labels: ownLabels,
            finalizers: ["resources-finalizer.argocd.argoproj.io"], // what it deployed goes with it
          },
          spec: {
            project: spec.project ?? "default",
            source: {
              repoURL: `${gitUrl}/${of.namespace}/${pullRequest.spec.repository}.git`,
              targetRevision: "{{.sha}}",
              path: spec.path ?? "deploy",
            },
            destination: { server: spec.destination ?? "https://kubernetes.default.svc", namespace: "{{.namespace}}" },
            syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ["CreateNamespace=true"] },
          },
        },
      },
    },
  };
}

function fill(template: string, values: Record<string, string>): string {
  return template.replace(/\{(number|name|branch|sha)\}/g, (_, name: string) => values[name] ?? "");
}

const dnsLabel = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");

const maxNameLength = 63;
const hashLength = 8;

/** A DNS label; one that is too long keeps its beginning and ends with a hash of the whole. */
function shortName(text: string): string {
  const label = dnsLabel(text);
  if (label.length <= maxNameLength) return label;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, hashLength);
  return `${label.slice(0, maxNameLength - hashLength - 1).replace(/-+$/, "")}-${hash}`;
}
