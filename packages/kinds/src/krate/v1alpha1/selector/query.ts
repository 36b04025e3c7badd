import { atomicList, mapOf, oneOf, setOf, Type, text } from "../../../schema.ts";

/** Kinds a query may return. */
export const queryableKinds = ["PullRequest", "Issue", "Pipeline"] as const;

/** What a Selector, and the inline selector of a View, consists of. */
export const queryFields = {
  labels: Type.Optional(
    mapOf(text(63, "Value the label must have."), {
      description: "Kubernetes labels the objects must carry.",
      maxProperties: 32,
    }),
  ),
  query: Type.Optional(
    text(
      1024,
      "Terms `key:value` over kind, repo, author, assignee, reviewer, phase, label and updated, such as `reviewer:@me phase:Open`.",
    ),
  ),
  kinds: Type.Optional(
    setOf(oneOf(queryableKinds, { description: "A kind." }), {
      maxItems: 3,
      description: "Kinds that are searched; all when absent.",
    }),
  ),
};

/** How a View sorts. */
export const sortList = atomicList(
  Type.Object(
    {
      field: text(253, "Field to sort by, such as `updated`.", { minLength: 1 }),
      direction: Type.Optional(oneOf(["asc", "desc"], { description: "Direction.", default: "asc" })),
    },
    { description: "One sort key." },
  ),
  { maxItems: 5, description: "Sort keys, most important first." },
);

/** Whose a Selector or View is. */
export const ownerField = Type.Optional(
  Type.Object(
    {
      kind: oneOf(["User", "Team"], { description: "What the name names." }),
      name: text(253, "Name of the User or Team.", { minLength: 1 }),
    },
    { description: "Whose it is; everybody's in the organization when absent." },
  ),
);
