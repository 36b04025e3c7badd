import { atomicList, nameOf, oneOf, setOf, Type, text } from "../../../schema.ts";

/** Roles that may read agent configuration; writing it is for platform engineers. */
export const agentConfigRoles = {
  authenticated: ["get", "list", "watch"],
  developers: ["get", "list", "watch"],
  repoAdmins: ["get", "list", "watch"],
} as const;

/** One-word summary of every agent configuration kind. */
export const agentPhase = Type.Optional(
  oneOf(["Pending", "Ready", "Blocked", "Error"], {
    description: "One-word summary; Blocked: a permission is missing; Error: the spec cannot work.",
  }),
);

/** Work an agent may be given. */
export const taskKinds = ["research", "implementation", "validation", "review", "triage", "release-check"] as const;

export const taskKindList = (description: string) =>
  setOf(oneOf(taskKinds, { description: "A kind of work." }), { maxItems: taskKinds.length, description });

/** Names of other objects, each once. */
export const namesOf = (target: string, description: string) => setOf(nameOf(target), { maxItems: 64, description });

/** Command patterns such as `git *`. */
export const commandList = (description: string) =>
  Type.Optional(
    atomicList(text(1024, "A command pattern, such as `git *`.", { minLength: 1 }), { maxItems: 200, description }),
  );

/** Which hosts may be reached. */
export const networkPolicy = Type.Optional(
  Type.Object(
    {
      default: Type.Optional(
        oneOf(["deny", "allowlist", "repository-host-only", "unrestricted-with-approval"], {
          description: "Rule for hosts that are not listed.",
          default: "deny",
        }),
      ),
      allowHosts: Type.Optional(
        setOf(text(253, "A host name.", { minLength: 1 }), {
          maxItems: 100,
          description: "Hosts that may be reached.",
        }),
      ),
    },
    { description: "Which hosts may be reached." },
  ),
);

/** Who a grant is for. */
export const grantSubject = Type.Object(
  {
    kind: oneOf(["user", "group", "team", "agent-stack", "runner-pool", "service-account"], {
      description: "What the name names.",
    }),
    name: text(253, "Name of the subject.", { minLength: 1 }),
    stackRef: Type.Optional(nameOf("AgentStack", "Only when it acts through this AgentStack.")),
    serviceAccountRef: Type.Optional(nameOf("AgentServiceAccount", "Only with this AgentServiceAccount.")),
  },
  { description: "Who the grant is for." },
);

/** Shape of what an agent must hand back. */
export const outputContract = Type.Optional(
  Type.Object(
    {
      format: Type.Optional(text(63, "Format, such as markdown or json.")),
      requiredSections: Type.Optional(
        atomicList(text(253, "A section.", { minLength: 1 }), {
          maxItems: 32,
          description: "Sections that must be there.",
        }),
      ),
    },
    { description: "What must be handed back." },
  ),
);
