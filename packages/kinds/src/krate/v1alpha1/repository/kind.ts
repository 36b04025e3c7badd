import { defineConfigKind } from "../../../define-kind.ts";
import { atomicList, commonStatus, nameOf, oneOf, organizationRef, Type } from "../../../schema.ts";

const mergeMethods = ["merge", "squash", "rebase"] as const;

const spec = Type.Object(
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
    displayName: Type.Optional(Type.String({ maxLength: 256, description: "Name shown to people." })),
    description: Type.Optional(
      Type.String({ maxLength: 1024, description: "What the repository is for, one sentence." }),
    ),
    topics: Type.Optional(
      atomicList(Type.String({ maxLength: 50 }), { maxItems: 20, description: "Free words to find it by." }),
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
            Type.String({
              default: ".krate/workflows",
              description: "Folder of workflow files; .github/workflows is read as well.",
            }),
          ),
          defaultRunnerPool: Type.Optional(nameOf("RunnerPool", "RunnerPool of trusted pipelines.")),
          untrustedRunnerPool: Type.Optional(nameOf("RunnerPool", "RunnerPool of pipelines from forks.")),
        },
        { description: "Continuous integration.", default: {} },
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
          id: Type.Optional(Type.String({ description: "Identity of the repository in the backend." })),
          health: oneOf(["Healthy", "Degraded", "Unreachable"], { description: "Last health seen." }),
        },
        { description: "Where the Git data lives." },
      ),
    ),
    cloneUrls: Type.Optional(
      Type.Object(
        {
          http: Type.Optional(Type.String({ description: "HTTP(S) clone URL." })),
          ssh: Type.Optional(Type.String({ description: "SSH clone URL." })),
        },
        { description: "Where to clone from." },
      ),
    ),
    headSha: Type.Optional(Type.String({ description: "Commit the default branch points at." })),
    lastPushedAt: Type.Optional(Type.String({ format: "date-time", description: "Time of the last accepted push." })),
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
      reasons: ["BackendHealthy", "BackendUnavailable", "StorageDegraded"],
    },
    Provisioned: {
      description: "The repository exists in the backend.",
      reasons: ["Created", "AdoptedExisting", "NameConflict", "CreateFailed"],
    },
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
