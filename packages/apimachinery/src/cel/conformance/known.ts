/** Sets of expressions in `testdata/` that must be equal, less what is listed. */
export const sets = [
  "authorizer",
  "cidr",
  "comprehensions",
  "core",
  "format",
  "generated",
  "ip",
  "lists",
  "optionals",
  "quantity",
  "regex",
  "rules",
  "semver",
  "sets",
  "specification",
  "strings",
  "url",
] as const;

export interface KnownDifference {
  set: (typeof sets)[number];
  expressions: readonly string[];
  reason: string;
}

/**
 * What differs from Kubernetes, and why. One more class stands in `testdata/messages.json`: Kubernetes' environment can make protocol buffer messages
 * (`google.protobuf.Int64Value{value: 5}`), this one cannot, because no object of Kubernetes holds any.
 */
export const knownDifferences: readonly KnownDifference[] = [
  {
    set: "generated",
    expressions: [
      "optional.of(self.?missing).optFlatMap(c, optional.of(c))",
      "optional.of(none[?self.replicas]).optFlatMap(a, optional.of(a))",
      "optional.of(object.?spec.?replicas).optFlatMap(a, optional.of(a))",
    ],
    reason: "cel-go loses the inner one of two optionals when it reads a variable that holds them",
  },
  {
    set: "lists",
    expressions: ["[li[9]].distinct()", "li.map(v, 1 / (v - 3)).sort()"],
    reason: "cel-go ends with an internal error where the list of distinct() or sort() failed; here that error is told",
  },
];
