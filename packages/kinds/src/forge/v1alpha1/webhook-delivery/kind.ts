import { defineRecordKind } from "../../../define-kind.ts";
import { labels } from "../../../labels.ts";
import {
  atomicList,
  commonStatus,
  integer,
  listMap,
  mapOf,
  nameOf,
  oneOf,
  organizationRef,
  Type,
  text,
  time,
  withRules,
} from "../../../schema.ts";

/** Phases in which a WebhookDelivery never changes again. */
export const finishedDeliveryPhases = ["Succeeded", "Failed", "Cancelled"] as const;

/** Largest payload and response body kept in the row, bytes; a larger payload goes to object storage by digest. */
export const maxInlineDeliveryBytes = 65536;

const headers = (description: string) =>
  mapOf(text(8192, "Value of the header; secrets are redacted."), { description, maxProperties: 100 });

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      subscription: nameOf("WebhookSubscription"),
      eventType: text(100, "Event, such as push or pull_request.merged.", { minLength: 1 }),
      repository: Type.Optional(nameOf("Repository", "Repository the event is about.")),
      eventId: Type.Optional(
        text(253, "Identity of the event: one delivery per subscription and eventId, replays aside."),
      ),
      sourceRef: Type.Optional(
        Type.Object(
          {
            kind: text(63, "Kind of the object."),
            name: text(253, "Name of the object."),
            uid: Type.Optional(text(128, "UID of the object.")),
          },
          { description: "Object the event is about." },
        ),
      ),
      payload: Type.Optional(text(maxInlineDeliveryBytes, "Body of the request, exactly as it is sent and signed.")),
      payloadRef: Type.Optional(
        Type.Object(
          {
            digest: Type.String({
              pattern: "^sha256:[0-9a-f]{64}$",
              maxLength: 71,
              description: "Digest of the body.",
            }),
            bytes: integer("Size of the body, bytes."),
          },
          { description: "Body in object storage, when it is too large for the row." },
        ),
      ),
      test: Type.Optional(Type.Boolean({ default: false, description: "A test asked for by a person: event ping." })),
      replayOf: Type.Optional(
        nameOf("WebhookDelivery", "Delivery that is sent again, with the current secret; the original is not changed."),
      ),
    },
    { description: "One event for one subscription." },
  ),
  { rule: "self == oldSelf", message: "is immutable: use replayOf to send again", reason: "FieldValueForbidden" },
  {
    rule: "!(has(self.payload) && has(self.payloadRef))",
    message: "payload and payloadRef may not be specified together",
  },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(
      oneOf(["Pending", "Delivering", "Retrying", "Succeeded", "Failed", "Cancelled"], {
        description: "One-word summary; Failed: no attempts are left. The last three never change.",
      }),
    ),
    attempts: Type.Optional(
      listMap(
        Type.Object(
          {
            n: integer("Number of the attempt, from 1.", { minimum: 1 }),
            at: time("When it was sent."),
            url: text(2048, "Where it was sent."),
            requestHeaders: Type.Optional(headers("Headers sent.")),
            responseCode: Type.Optional(integer("HTTP status answered.", { minimum: 100, maximum: 999 })),
            responseHeaders: Type.Optional(headers("Headers answered.")),
            responseBody: Type.Optional(text(maxInlineDeliveryBytes, "Body answered, at most 64 KiB.")),
            responseTruncated: Type.Optional(Type.Boolean({ description: "The body answered was longer." })),
            latencyMs: Type.Optional(Type.Number({ minimum: 0, description: "From request to answer, milliseconds." })),
            error: Type.Optional(text(1024, "Why there was no answer.")),
          },
          { description: "One attempt." },
        ),
        ["n"],
        { maxItems: 50, description: "Every attempt, oldest first." },
      ),
    ),
    attemptCount: Type.Optional(
      integer("Attempts made; raised before an attempt is sent, so that none is sent twice."),
    ),
    responseCode: Type.Optional(integer("HTTP status of the newest attempt.", { minimum: 100, maximum: 999 })),
    latencyMs: Type.Optional(Type.Number({ minimum: 0, description: "Latency of the newest attempt, milliseconds." })),
    nextAttemptAt: Type.Optional(time("When the next attempt is due.")),
    signature: Type.Optional(
      Type.Object(
        {
          algorithm: oneOf(["sha256"], { description: "HMAC hash." }),
          header: text(100, "Header that carries it, X-Krate-Signature-256."),
          secretVersion: text(253, "resourceVersion of the Secret that signed."),
        },
        { description: "How the newest attempt was signed; the signature itself is not kept." },
      ),
    ),
    completedAt: Type.Optional(time("When it finished.")),
    replays: Type.Optional(
      atomicList(nameOf("WebhookDelivery"), { maxItems: 100, description: "Deliveries that repeat this one." }),
    ),
  },
  { description: "What happened." },
);

/** One event on its way to one subscription, with every attempt (kinds.md §8.2, WH-05…WH-07). Outbound only (C-23). */
export const WebhookDelivery = defineRecordKind({
  kind: "WebhookDelivery",
  plural: "webhookdeliveries",
  shortNames: ["whd"],
  description: "One event on its way to one subscription: every attempt with request, response and latency.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Subscription", type: "string", jsonPath: ".spec.subscription" },
    { name: "Event", type: "string", jsonPath: ".spec.eventType" },
    { name: "Attempts", type: "integer", jsonPath: ".status.attemptCount" },
    { name: "Code", type: "integer", jsonPath: ".status.responseCode" },
    { name: "Ms", type: "number", jsonPath: ".status.latencyMs", description: "Latency of the newest attempt." },
    { name: "Repository", type: "string", jsonPath: ".spec.repository", priority: 1 },
    { name: "Next attempt", type: "string", jsonPath: ".status.nextAttemptAt", priority: 1 },
    { name: "Replay of", type: "string", jsonPath: ".spec.replayOf", priority: 1 },
  ],
  selectableFields: [".spec.subscription", ".spec.repository", ".spec.eventType", ".status.phase"],
  mirroredLabels: {
    [labels.repository]: ".spec.repository",
    [labels.event]: ".spec.eventType",
    [labels.deliverySubscription]: ".spec.subscription",
    [labels.deliveryStatus]: ".status.phase",
  },
  roles: {
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch", "create"],
  },
  retentionDays: 30,
});
