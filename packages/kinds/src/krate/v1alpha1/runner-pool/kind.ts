import { defineConfigKind } from "../../../define-kind.ts";
import { labels } from "../../../labels.ts";
import {
  anyObject,
  atomicList,
  commonStatus,
  immutable,
  integer,
  mapOf,
  nameOf,
  oneOf,
  organizationRef,
  quantity,
  secretKey,
  setOf,
  Type,
  text,
  withRules,
} from "../../../schema.ts";

/** Reasons a pool may be slow. */
export const bottleneckReasons = ["None", "QueueSaturated", "ImagePull", "NodePressure", "Quota"] as const;

const quantities = (description: string) => mapOf(quantity("A quantity."), { description, maxProperties: 16 });

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      trustTier: Type.Optional(
        immutable(
          oneOf(["trusted", "untrusted"], {
            description: "trusted pools may hold secrets and never run code of forks; untrusted pools run anything.",
            default: "untrusted",
          }),
        ),
      ),
      warmReplicas: Type.Optional(
        integer("Runners kept ready; 2 for trusted and 0 for untrusted pools when absent.", { maximum: 1000 }),
      ),
      maxReplicas: integer("Most runners at one time.", { minimum: 1, maximum: 10000 }),
      image: Type.Optional(text(1024, "Container image of the runner, when the job names none.", { minLength: 1 })),
      resources: Type.Optional(
        Type.Object(
          {
            requests: Type.Optional(quantities("What a runner Pod asks for, such as cpu and memory.")),
            limits: Type.Optional(quantities("What a runner Pod may use at most.")),
          },
          { description: "Resources of a runner Pod." },
        ),
      ),
      nodeSelector: Type.Optional(
        mapOf(text(63, "Value the node's label must have."), {
          description: "Nodes that may run the pool.",
          maxProperties: 32,
        }),
      ),
      tolerations: Type.Optional(
        atomicList(
          Type.Object(
            {
              key: Type.Optional(text(317, "Taint key; any when absent.")),
              operator: Type.Optional(oneOf(["Exists", "Equal"], { description: "How the taint is compared." })),
              value: Type.Optional(text(63, "Taint value.")),
              effect: Type.Optional(
                oneOf(["NoSchedule", "PreferNoSchedule", "NoExecute"], { description: "Effect that is tolerated." }),
              ),
              tolerationSeconds: Type.Optional(integer("How long NoExecute is tolerated, seconds.")),
            },
            { description: "One tolerated taint." },
          ),
          { maxItems: 32, description: "Taints runner Pods tolerate." },
        ),
      ),
      allowedRepositories: Type.Optional(
        setOf(text(253, "A Repository name, or `*`.", { minLength: 1 }), {
          maxItems: 1000,
          description: "Repositories that may use the pool; when empty none for trusted, all for untrusted pools.",
        }),
      ),
      serviceAccountRef: Type.Optional(
        nameOf("ServiceAccount", "ServiceAccount of runner Pods; untrusted pools must use one without bindings."),
      ),
      cache: Type.Optional(
        Type.Object(
          {
            type: Type.Optional(oneOf(["buildkit-s3"], { description: "Kind of cache.", default: "buildkit-s3" })),
            bucket: text(63, "Bucket of the cache.", { minLength: 1 }),
            prefix: Type.Optional(text(253, "Key prefix before `<org>/<pool>/<repository>`, which is always added.")),
            secretRef: Type.Optional(secretKey("Credentials of the bucket.")),
            onUnavailable: Type.Optional(
              oneOf(["run-without", "fail"], {
                description: "What happens to a job while the cache is down.",
                default: "run-without",
              }),
            ),
          },
          { description: "Build cache, never shared between pools." },
        ),
      ),
      scaling: Type.Optional(
        Type.Object(
          {
            pollSeconds: Type.Optional(
              integer("How often the queue is looked at, seconds.", { minimum: 1, maximum: 3600, default: 15 }),
            ),
            cooldownSeconds: Type.Optional(
              integer("How long an idle runner above warmReplicas is kept, seconds.", { maximum: 86400, default: 300 }),
            ),
            jobsPerReplica: Type.Optional(
              integer("Jobs one runner serves at a time.", { minimum: 1, maximum: 100, default: 1 }),
            ),
          },
          { description: "desired = clamp(ceil((queued + busy) / jobsPerReplica), warmReplicas, maxReplicas)." },
        ),
      ),
      executor: Type.Optional(
        Type.Object(
          {
            type: Type.Optional(
              oneOf(["kubernetes", "tekton", "arc", "buildkite"], {
                description: "What runs the jobs.",
                default: "kubernetes",
              }),
            ),
            config: Type.Optional(anyObject("Settings of the executor.")),
          },
          { description: "How jobs are run.", default: {} },
        ),
      ),
      limits: Type.Optional(
        Type.Object(
          {
            jobTimeoutSeconds: Type.Optional(
              integer("Longest run of one job, seconds.", { minimum: 1, maximum: 604800, default: 3600 }),
            ),
            maxPipelineMinutes: Type.Optional(integer("Longest run of one pipeline, minutes.", { minimum: 1 })),
          },
          { description: "Bounds of a run.", default: {} },
        ),
      ),
      cost: Type.Optional(
        Type.Object(
          {
            cpuHour: Type.Number({ minimum: 0, description: "Price of one CPU for one hour." }),
            memoryGiBHour: Type.Number({ minimum: 0, description: "Price of one GiB of memory for one hour." }),
            currency: Type.Optional(
              Type.String({ pattern: "^[A-Z]{3}$", maxLength: 3, default: "USD", description: "ISO 4217 code." }),
            ),
          },
          { description: "Prices, for the cost of the last hour." },
        ),
      ),
      secretGrants: Type.Optional(
        setOf(nameOf("Secret"), { maxItems: 100, description: "Secrets jobs may use; must be empty when untrusted." }),
      ),
      paused: Type.Optional(Type.Boolean({ default: false, description: "No job is started; running ones finish." })),
    },
    { description: "Desired pool." },
  ),
  {
    rule: "!has(self.warmReplicas) || self.warmReplicas <= self.maxReplicas",
    message: "warmReplicas may not be greater than maxReplicas",
  },
  {
    rule: "!has(self.trustTier) || self.trustTier == 'trusted' || !has(self.secretGrants) || size(self.secretGrants) == 0",
    message: "secretGrants must be empty when trustTier is untrusted",
    reason: "FieldValueForbidden",
  },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(oneOf(["Ready", "Saturated", "Degraded", "Paused"], { description: "One-word summary." })),
    replicas: Type.Optional(
      Type.Object(
        {
          warm: integer("Ready and idle."),
          busy: integer("Running a job."),
          total: integer("All."),
          desired: integer("What scaling wants."),
        },
        { description: "Runners." },
      ),
    ),
    queueDepth: Type.Optional(integer("Jobs waiting for a runner.")),
    wait: Type.Optional(
      Type.Object(
        {
          p50Seconds: Type.Number({ minimum: 0, description: "Half of the jobs waited at most this long, seconds." }),
          p95Seconds: Type.Number({ minimum: 0, description: "95 % of the jobs waited at most this long, seconds." }),
        },
        { description: "Waiting time of recent jobs." },
      ),
    ),
    costLastHour: Type.Optional(Type.Number({ minimum: 0, description: "Cost of the last hour, in cost.currency." })),
    bottleneck: Type.Optional(
      Type.Object(
        {
          reason: oneOf(bottleneckReasons, { description: "What slows the pool." }),
          message: Type.Optional(text(1024, "Explanation.")),
          events: Type.Optional(
            atomicList(text(1024, "An event."), { maxItems: 10, description: "Pod events that show it." }),
          ),
        },
        { description: "Why is this slow?" },
      ),
    ),
    recentPipelines: Type.Optional(
      atomicList(nameOf("Pipeline"), { maxItems: 10, description: "Newest pipelines, newest first." }),
    ),
  },
  { description: "Observed pool." },
);

/** A class of runners with one trust tier (kinds.md §7.1, RUN-10, RUN-11). */
export const RunnerPool = defineConfigKind({
  kind: "RunnerPool",
  plural: "runnerpools",
  shortNames: ["rpool"],
  description: "Runners of one kind: image, resources, scaling, who may use them, and how far they are trusted.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Trust", type: "string", jsonPath: ".spec.trustTier" },
    { name: "Warm", type: "integer", jsonPath: ".status.replicas.warm" },
    { name: "Busy", type: "integer", jsonPath: ".status.replicas.busy" },
    { name: "Max", type: "integer", jsonPath: ".spec.maxReplicas" },
    { name: "Queue", type: "integer", jsonPath: ".status.queueDepth" },
    { name: "Executor", type: "string", jsonPath: ".spec.executor.type", priority: 1 },
    { name: "Image", type: "string", jsonPath: ".spec.image", priority: 1 },
  ],
  selectableFields: [".spec.trustTier", ".status.phase"],
  mirroredLabels: { [labels.trustTier]: ".spec.trustTier" },
  conditions: {
    ServiceAccountReady: {
      description: "The ServiceAccount exists and fits the trust tier.",
      reasons: ["Ready", "Missing", "HasForbiddenBindings", "NotRequired"],
    },
    ExecutorReady: {
      description: "The executor can start jobs.",
      reasons: ["Ready", "NotSupported", "Unavailable", "ConfigInvalid"],
    },
    CacheReady: { description: "The cache answers.", reasons: ["Ready", "NotConfigured", "Unavailable"] },
    ScalerReady: { description: "Something scales the pool.", reasons: ["Internal", "Keda", "Unavailable"] },
    CapacityAvailable: {
      description: "A job queued now would start at once.",
      reasons: ["Available", "QueueSaturated", "PoolPaused", "NoNodes"],
    },
    Ready: { description: "The pool runs jobs.", reasons: ["Ready", "Degraded", "Paused", "ServiceAccountMissing"] },
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch"],
  },
});
