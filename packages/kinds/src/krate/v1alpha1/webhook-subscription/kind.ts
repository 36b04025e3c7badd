import { defineConfigKind } from "../../../define-kind.ts";
import {
  atomicList,
  commonStatus,
  integer,
  mapOf,
  nameOf,
  oneOf,
  organizationRef,
  secretKey,
  setOf,
  Type,
  text,
  time,
  withRules,
} from "../../../schema.ts";

/** Families an event belongs to; `<family>` subscribes to all of its actions, `<family>.<action>` to one, `*` to everything. */
export const webhookEventFamilies = [
  "push",
  "pull_request",
  "review",
  "issue",
  "comment",
  "pipeline",
  "job",
  "check_run",
  "repository",
  "deployment",
  "policy",
  "ping",
] as const;

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      url: Type.String({
        minLength: 1,
        maxLength: 2048,
        pattern: "^https?://[^\\s]+$",
        description: "Where events are posted; https, or http with allowInsecure.",
      }),
      events: setOf(
        Type.String({
          minLength: 1,
          maxLength: 100,
          pattern: "^(\\*|[a-z][a-z_]*(\\.[a-z][a-z_-]*)?)$",
          description: "`push`, `pull_request.merged`, `*`…",
        }),
        {
          minItems: 1,
          maxItems: 64,
          description: `Events wanted: a family (${webhookEventFamilies.join(", ")}), a family and an action, or * for all.`,
        },
      ),
      repository: Type.Optional(
        nameOf("Repository", "The only repository whose events are wanted; the whole organization when absent."),
      ),
      secretRef: Type.Optional(
        secretKey("HMAC-SHA256 key; one is generated and named in status.secretRef when absent."),
      ),
      allowInsecure: Type.Optional(Type.Boolean({ default: false, description: "Allow an http URL." })),
      retryPolicy: Type.Optional(
        Type.Object(
          {
            maxAttempts: Type.Optional(
              integer("Attempts in all, the first included.", { minimum: 1, maximum: 50, default: 8 }),
            ),
            initialSeconds: Type.Optional(
              integer("Wait before the second attempt, seconds.", { minimum: 1, maximum: 3600, default: 10 }),
            ),
            factor: Type.Optional(
              integer("Each wait is this many times the one before.", { minimum: 1, maximum: 10, default: 3 }),
            ),
            maxSeconds: Type.Optional(integer("Longest wait, seconds.", { minimum: 1, maximum: 86400, default: 3600 })),
            timeoutSeconds: Type.Optional(
              integer("Longest wait for an answer, seconds.", { minimum: 1, maximum: 60, default: 10 }),
            ),
          },
          {
            description: "Exponential back-off with jitter.",
            default: {},
          },
        ),
      ),
      active: Type.Optional(Type.Boolean({ default: true, description: "Events are delivered." })),
      filter: Type.Optional(
        Type.Object(
          {
            refs: Type.Optional(
              atomicList(text(255, "A full ref name or glob.", { minLength: 1 }), {
                maxItems: 64,
                description: "Refs whose events are wanted; all when absent.",
              }),
            ),
            labels: Type.Optional(
              mapOf(text(63, "Value the label must have."), {
                description: "Labels the object of the event must carry.",
                maxProperties: 32,
              }),
            ),
          },
          { description: "Further restriction of the events." },
        ),
      ),
      headers: Type.Optional(
        mapOf(text(1024, "Value of the header; never a secret."), {
          description: "Headers added to every request.",
          maxProperties: 32,
        }),
      ),
      durability: Type.Optional(
        oneOf(["Buffer", "Drop"], {
          description: "While the queue is down: Buffer keeps events, Drop records them as failed.",
          default: "Buffer",
        }),
      ),
      testRequestedAt: Type.Optional(time("Set to now to have a ping delivered.")),
    },
    { description: "What is delivered where." },
  ),
  {
    rule: "self.url.startsWith('https://') || (has(self.allowInsecure) && self.allowInsecure)",
    message: "url must start with https:// unless allowInsecure is true",
  },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(oneOf(["Active", "Failing", "Paused", "Disabled"], { description: "One-word summary." })),
    secretRef: Type.Optional(secretKey("Key that signs, when it was generated.")),
    secretVersion: Type.Optional(text(253, "resourceVersion of the Secret last signed with.")),
    lastDelivery: Type.Optional(nameOf("WebhookDelivery", "Newest delivery.")),
    lastSuccessAt: Type.Optional(time("Newest success.")),
    failedLastHour: Type.Optional(integer("Deliveries that failed in the last hour.")),
    failed24h: Type.Optional(integer("Deliveries that failed in the last 24 hours.")),
    consecutiveFailures: Type.Optional(integer("Deliveries that failed since the newest success.")),
    lastTestAt: Type.Optional(time("testRequestedAt last served.")),
  },
  { description: "Observed subscription." },
);

/** Events of a repository or organization posted to a URL (kinds.md §8.1, WH-01). */
export const WebhookSubscription = defineConfigKind({
  kind: "WebhookSubscription",
  plural: "webhooksubscriptions",
  shortNames: ["whsub"],
  description: "Posts events of one repository, or of the organization, to a URL, signed and with retries.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "URL", type: "string", jsonPath: ".spec.url" },
    { name: "Repository", type: "string", jsonPath: ".spec.repository", description: "Empty: the organization." },
    { name: "Events", type: "string", jsonPath: ".spec.events" },
    { name: "Failed 1h", type: "integer", jsonPath: ".status.failedLastHour" },
    { name: "Last success", type: "date", jsonPath: ".status.lastSuccessAt", priority: 1 },
  ],
  selectableFields: [".spec.repository", ".status.phase"],
  conditions: {
    SecretResolved: {
      description: "The signing key exists.",
      reasons: ["Resolved", "Generated", "SecretMissing", "KeyMissing"],
    },
    EndpointAllowed: {
      description: "The platform allows posting to this address.",
      reasons: ["Allowed", "PrivateAddressDenied", "DomainNotAllowed", "InvalidUrl", "Unresolvable"],
    },
    Delivering: {
      description: "Deliveries succeed.",
      reasons: ["Healthy", "EndpointFailing", "NoDeliveries", "Inactive"],
    },
    Ready: { description: "Events are delivered.", reasons: ["Ready", "Inactive", "SecretMissing", "EndpointDenied"] },
  },
  roles: {
    authenticated: [],
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
});
