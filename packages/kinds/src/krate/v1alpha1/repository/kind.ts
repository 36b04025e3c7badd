import { defineConfigKind } from "../../../define-kind.ts";
import { externalEnvelope } from "../../../external.ts";
import {
  atomicList,
  commonStatus,
  integer,
  nameOf,
  oneOf,
  organizationRef,
  sha,
  Type,
  text,
  time,
  withRules,
} from "../../../schema.ts";

const mergeMethods = ["merge", "squash", "rebase"] as const;

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      visibility: Type.Optional(
        oneOf(["private", "internal", "public"], {
          description: "Who may read: people granted access, everybody in the organization, or everybody.",
          default: "internal",
        }),
      ),
      defaultBranch: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 255,
          default: "main",
          description: "Branch that pull requests target by default.",
        }),
      ),
      displayName: Type.Optional(text(256, "Name shown to people.")),
      description: Type.Optional(text(1024, "What the repository is for, one sentence.")),
      topics: Type.Optional(
        atomicList(text(50, "A word.", { minLength: 1 }), { maxItems: 20, description: "Free words to find it by." }),
      ),
      archived: Type.Optional(Type.Boolean({ default: false, description: "Writes are refused, reads are served." })),
      merge: Type.Optional(
        Type.Object(
          {
            methods: Type.Optional(
              atomicList(oneOf(mergeMethods, { description: "A way to merge." }), {
                maxItems: 3,
                description: "Ways a pull request may be merged.",
                default: ["merge", "squash", "rebase"],
              }),
            ),
            default: Type.Optional(
              oneOf(mergeMethods, { description: "Used when the pull request names none.", default: "merge" }),
            ),
            deleteHeadBranch: Type.Optional(
              Type.Boolean({ default: false, description: "Delete the head branch after merging." }),
            ),
          },
          { description: "How pull requests are merged.", default: {} },
        ),
      ),
      ci: Type.Optional(
        Type.Object(
          {
            workflowPath: Type.Optional(
              text(1024, "Folder of workflow files; .github/workflows is read as well.", {
                default: ".krate/workflows",
              }),
            ),
            defaultRunnerPool: Type.Optional(nameOf("RunnerPool", "RunnerPool of trusted pipelines.")),
            untrustedRunnerPool: Type.Optional(nameOf("RunnerPool", "RunnerPool of pipelines from forks.")),
          },
          { description: "Continuous integration.", default: {} },
        ),
      ),
      preview: Type.Optional(
        Type.Object(
          {
            path: Type.Optional(
              text(1024, "Folder of manifests, kustomization or chart in the repository.", { default: "deploy" }),
            ),
            url: Type.Optional(
              text(2048, "Address of the environment; {number}, {name}, {branch} and {sha} are filled in."),
            ),
            namespace: Type.Optional(
              text(63, "Namespace it runs in, of the destination; filled in as well.", { default: "preview-{name}" }),
            ),
            project: Type.Optional(text(63, "Argo CD project.", { default: "default" })),
            destination: Type.Optional(
              text(2048, "Address of the cluster it runs in.", { default: "https://kubernetes.default.svc" }),
            ),
            argocdNamespace: Type.Optional(
              text(63, "Namespace in which Argo CD looks for ApplicationSets.", { default: "argocd" }),
            ),
            untrusted: Type.Optional(
              Type.Boolean({
                default: false,
                description: "Also for pull requests from forks, which bring code of strangers.",
              }),
            ),
          },
          { description: "An environment per open pull request, made by Argo CD. None when absent." },
        ),
      ),
      objectStorage: Type.Optional(
        Type.Object(
          {
            lfs: Type.Optional(
              Type.Object(
                { enabled: Type.Boolean({ description: "Large files may be pushed with Git LFS." }) },
                { description: "Git LFS." },
              ),
            ),
            bucketRef: Type.Optional(nameOf("bucket", "Bucket, by the name the platform gives it.")),
            prefix: Type.Optional(text(253, "Key prefix in the bucket.")),
          },
          { description: "Where large files live: references only, never data." },
        ),
      ),
      search: Type.Optional(
        Type.Object(
          {
            enabled: Type.Optional(
              Type.Boolean({ default: true, description: "The code is indexed, when there is an indexer." }),
            ),
            branches: Type.Optional(
              atomicList(text(255, "A branch.", { minLength: 1 }), {
                maxItems: 20,
                description: "Branches that are searchable besides the default branch.",
              }),
            ),
          },
          { description: "Code search." },
        ),
      ),
      backend: Type.Optional(
        Type.Object(
          { name: text(253, "Storage backend asked for; the operator chooses when empty.") },
          { description: "Placement request." },
        ),
      ),
      forkOf: Type.Optional(
        Type.Object(
          {
            organization: Type.Optional(text(63, "Organization of the original; the same one when absent.")),
            name: nameOf("Repository", "The original."),
          },
          { description: "Repository this one is a fork of; set on create." },
        ),
      ),
      initialize: Type.Optional(
        Type.Object(
          {
            readme: Type.Optional(Type.Boolean({ default: false, description: "Commit a README.md." })),
            gitignore: Type.Optional(text(63, "Template of .gitignore, such as Node.")),
            license: Type.Optional(text(63, "SPDX id of the licence file, such as Apache-2.0.")),
          },
          { description: "First commit, made when the repository is created." },
        ),
      ),
      deletionPolicy: Type.Optional(
        oneOf(["Retain", "Delete"], {
          description: "What happens to the Git data when this object is deleted.",
          default: "Retain",
        }),
      ),
    },
    { description: "Desired repository." },
  ),
  ...["forkOf", "initialize"].map((field) => ({
    rule: `has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field})`,
    message: `${field} may only be specified on create and is immutable`,
    reason: "FieldValueForbidden" as const,
  })),
  {
    rule: "!has(self.merge) || !has(self.merge.methods) || !has(self.merge.default) || self.merge.default in self.merge.methods",
    message: "merge.default must be one of merge.methods",
  },
);

/** Something the storage backend holds a copy of. */
const mirrored = (description: string) =>
  Type.Optional(
    Type.Object(
      {
        count: integer("How many the backend holds."),
        state: oneOf(["Synced", "Pending", "Failed"], { description: "Whether they agree with Krate." }),
      },
      { description },
    ),
  );

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(
      oneOf(["Pending", "Provisioning", "Ready", "Degraded", "Archived", "Terminating"], {
        description: "One-word summary.",
      }),
    ),
    backend: Type.Optional(
      Type.Object(
        {
          kind: oneOf(["native", "gitea"], { description: "Kind of storage backend." }),
          name: Type.Optional(text(253, "Name of the storage backend.")),
          url: Type.Optional(text(2048, "Address of the repository in the backend, for operators.")),
          id: Type.Optional(text(1024, "Identity of the repository in the backend.")),
          health: oneOf(["Healthy", "Degraded", "Unreachable"], { description: "Last health seen." }),
        },
        { description: "Where the Git data lives." },
      ),
    ),
    cloneUrls: Type.Optional(
      Type.Object(
        {
          http: Type.Optional(text(1024, "HTTP(S) clone URL.")),
          ssh: Type.Optional(text(1024, "SSH clone URL.")),
        },
        { description: "Where to clone from." },
      ),
    ),
    external: externalEnvelope,
    sizeBytes: Type.Optional(integer("Size on disk, bytes.")),
    branchCount: Type.Optional(integer("Branches.")),
    policy: Type.Optional(
      Type.Object(
        {
          compiledHash: Type.Optional(text(128, "Hash of the newest policy bundle.")),
          appliedHash: Type.Optional(text(128, "Hash of the bundle the gateway enforces.")),
          policies: Type.Optional(
            atomicList(text(320, "Kind and name."), { maxItems: 200, description: "Policies that apply." }),
          ),
        },
        { description: "Which policies judge a push, from refpolicy-compiler." },
      ),
    ),
    protection: mirrored("Protected branches, as the backend mirrors them."),
    deployKeys: mirrored("Deploy keys."),
    collaborators: mirrored("Users and teams with rights."),
    webhooks: mirrored("Hooks by which the backend tells Krate about pushes."),
    search: Type.Optional(
      Type.Object(
        {
          phase: oneOf(["Pending", "Indexed", "Lagging", "Disabled"], { description: "Where the index is." }),
          indexedSha: Type.Optional(sha("Commit that is indexed.")),
          lagSeconds: Type.Optional(integer("Age of the oldest push that is not indexed, seconds.")),
        },
        { description: "Code search." },
      ),
    ),
    headSha: Type.Optional(sha("Commit the default branch points at.")),
    lastPushedAt: Type.Optional(time("Time of the last accepted push.")),
  },
  { description: "Observed repository." },
);

/** A Git repository (kinds.md §5.1, GIT-02, GIT-05). */
export const Repository = defineConfigKind({
  kind: "Repository",
  plural: "repositories",
  shortNames: ["repo"],
  description: "A Git repository: where it lives, who may see it, how it is merged and built.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Visibility", type: "string", jsonPath: ".spec.visibility" },
    { name: "Default", type: "string", jsonPath: ".spec.defaultBranch", description: "Default branch." },
    { name: "Clone", type: "string", jsonPath: ".status.cloneUrls.http", priority: 1 },
    { name: "Head", type: "string", jsonPath: ".status.headSha", priority: 1 },
  ],
  selectableFields: [".spec.visibility", ".status.phase"],
  conditions: {
    BackendReady: {
      description: "The storage backend answers for this repository.",
      reasons: ["BackendHealthy", "BackendUnavailable", "GiteaUnavailable", "StorageDegraded"],
    },
    Provisioned: {
      description: "The repository exists in the backend.",
      reasons: ["Created", "AdoptedExisting", "NameConflict", "CreateFailed"],
    },
    AccessSynced: {
      description: "The backend knows who may read and write.",
      reasons: ["Synced", "NotRequired", "SubjectUnresolved"],
    },
    WebhooksSynced: {
      description: "The backend tells Krate about every push.",
      reasons: ["Synced", "NotRequired", "SyncFailed"],
    },
    SearchIndexed: { description: "The default branch is searchable.", reasons: ["Indexed", "Lagging", "Disabled"] },
    ProtectionSynced: {
      description: "The compiled policy bundle covers this repository.",
      reasons: ["Synced", "Stale", "CompileFailed", "WaitingForBundle"],
    },
    Ready: {
      description: "Clone and push work.",
      reasons: ["Ready", "Provisioning", "BackendUnavailable", "Terminating", "ProvisionFailed"],
    },
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
});
