import { labels, toLabelValue } from "@krate/kinds";
import type { ValueNormalizers } from "./labels.ts";

export type { FieldRequirement, FieldSelector, ParseFieldSelectorOptions } from "./fields.ts";
export { fieldValue, formatFieldSelector, matchesFields, parseFieldSelector, requiredValue } from "./fields.ts";
export type {
  LabelOperator,
  LabelRequirement,
  LabelSelector,
  LabelSelectorObject,
  ParseLabelSelectorOptions,
  ValueNormalizers,
} from "./labels.ts";
export {
  formatLabelSelector,
  labelSelectorOf,
  matchesLabels,
  parseLabelSelector,
  requirement,
} from "./labels.ts";

/** `-l failure.signature=auth_test:142` selects the label `auth_test_142` (C-05): pass to `parseLabelSelector`. */
export const krateNormalizers: ValueNormalizers = { [labels.failureSignature]: toLabelValue };
