import { defineRecordKind } from "../../../define-kind.ts";
import {
  atomicList,
  commonStatus,
  mapOf,
  oneOf,
  organizationRef,
  Type,
  text,
  time,
  withRules,
} from "../../../schema.ts";

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      actor: Type.Object(
        {
          kind: oneOf(["User", "ServiceAccount", "Agent"], { description: "What acted." }),
          name: text(1024, "Name shown to people."),
          kubernetesUser: text(1024, "Kubernetes user name of the request."),
          groups: Type.Optional(atomicList(text(1024, "A group."), { maxItems: 256, description: "Groups." })),
        },
        { description: "Who acted." },
      ),
      verb: text(63, "Kubernetes verb: create, update, patch, delete, deletecollection, or push.", { minLength: 1 }),
      target: Type.Object(
        {
          group: text(253, "API group."),
          kind: text(63, "Kind."),
          name: text(253, "Name; empty for a collection."),
          uid: Type.Optional(text(128, "UID.")),
          subresource: Type.Optional(text(63, "Subresource.")),
        },
        { description: "What was acted on." },
      ),
      storage: Type.Optional(oneOf(["etcd", "postgres"], { description: "Where the object is stored." })),
      decision: Type.Object(
        {
          allowed: Type.Boolean({ description: "The request was carried out." }),
          reason: Type.Optional(text(4096, "Why not.")),
          warnings: Type.Optional(
            atomicList(text(1024, "A warning."), { maxItems: 50, description: "Warnings that were answered." }),
          ),
          policies: Type.Optional(
            atomicList(text(320, "A policy."), { maxItems: 50, description: "Policies that had something to say." }),
          ),
        },
        { description: "What came of it." },
      ),
      command: Type.Optional(text(65536, "The kubectl command that does the same (C-42).")),
      patch: Type.Optional(text(65536, "What changed, as a merge patch; secrets are redacted.")),
      correlationId: Type.Optional(text(253, "Id of the request.")),
      at: time("When."),
      type: Type.Optional(text(100, "Class of the event, for agents.")),
      digests: Type.Optional(
        mapOf(text(128, "A digest."), { description: "Digests of what was used.", maxProperties: 32 }),
      ),
      source: Type.Optional(
        Type.Object(
          {
            ip: Type.Optional(text(64, "Address the request came from.")),
            userAgent: Type.Optional(text(1024, "Program that sent it.")),
          },
          { description: "Where it came from." },
        ),
      ),
    },
    { description: "What was done." },
  ),
  { rule: "self == oldSelf", message: "is immutable: events are never changed", reason: "FieldValueForbidden" },
);

const status = Type.Object({ ...commonStatus }, { description: "Nothing is observed about an event." });

/** One change somebody made or tried (kinds.md §6.6). Append-only, written by the server. */
export const AuditEvent = defineRecordKind({
  kind: "AuditEvent",
  plural: "auditevents",
  shortNames: ["aev"],
  description: "One change somebody made or tried, with the command that does the same.",
  spec,
  status,
  printerColumns: [
    { name: "Actor", type: "string", jsonPath: ".spec.actor.kubernetesUser" },
    { name: "Verb", type: "string", jsonPath: ".spec.verb" },
    { name: "Kind", type: "string", jsonPath: ".spec.target.kind" },
    { name: "Target", type: "string", jsonPath: ".spec.target.name" },
    { name: "Allowed", type: "boolean", jsonPath: ".spec.decision.allowed" },
    { name: "Command", type: "string", jsonPath: ".spec.command", priority: 1 },
  ],
  selectableFields: [".spec.actor.kubernetesUser", ".spec.verb", ".spec.target.kind", ".spec.target.name"],
  roles: { repoAdmins: ["get", "list", "watch"] },
  retentionDays: 365,
  appendOnly: true,
});
