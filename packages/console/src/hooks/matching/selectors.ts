/**
 * Label selectors of policies, as far as they can be decided before there is a request. Source: apimachinery, meta/v1
 * LabelSelectorAsSelector.
 */
export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** What is known of the labels of something: values of some keys; of all other keys nothing, unless `isComplete`. */
export interface KnownLabels {
  labels: Readonly<Record<string, string>>;
  isComplete: boolean;
}

/** `maybe`: it depends on labels that are not known. */
export type Answer = "yes" | "no" | "maybe";

export function selectorAnswer(selector: LabelSelector | undefined, known: KnownLabels): Answer {
  const requirements = [
    ...Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({ key, operator: "In", values: [value] })),
    ...(selector?.matchExpressions ?? []),
  ];
  return allOf(requirements.map((requirement) => requirementAnswer(requirement, known)));
}

/** `no` wins over `maybe`, `maybe` over `yes`. */
export function allOf(answers: readonly Answer[]): Answer {
  if (answers.includes("no")) return "no";
  return answers.includes("maybe") ? "maybe" : "yes";
}

function requirementAnswer(
  { key, operator, values = [] }: { key: string; operator: string; values?: string[] },
  { labels, isComplete }: KnownLabels,
): Answer {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  if (value === undefined && !isComplete) return "maybe";
  const is = (holds: boolean) => (holds ? "yes" : "no");
  switch (operator) {
    case "In":
      return is(value !== undefined && values.includes(value));
    case "NotIn":
      return is(value === undefined || !values.includes(value));
    case "Exists":
      return is(value !== undefined);
    case "DoesNotExist":
      return is(value === undefined);
    default:
      return "maybe";
  }
}

/** As `kubectl -l` takes it. */
export function selectorText(selector: LabelSelector): string {
  return [
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
    ...(selector.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
      if (operator === "Exists") return key;
      if (operator === "DoesNotExist") return `!${key}`;
      return `${key} ${operator === "In" ? "in" : "notin"} (${values.join(", ")})`;
    }),
  ].join(", ");
}

export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0;
}
