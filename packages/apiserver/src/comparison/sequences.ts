/**
 * Requests whose answers are compared with a real kube-apiserver, one after another in a fresh namespace `cmp`. Most are things that clients
 * do wrong: what a server says then is what people tell two servers apart by.
 */
import { applySteps } from "./apply-steps.ts";
import { configMapSteps } from "./config-map-steps.ts";
import { coreSteps } from "./core-steps.ts";
import { customResourceSteps } from "./custom-resource-steps.ts";
import { definitionSteps } from "./definition-steps.ts";
import { moreCoreSteps } from "./more-core-steps.ts";
import { representationSteps } from "./representation-steps.ts";
import { schemaSteps } from "./schema-steps.ts";
import type { Step } from "./step.ts";
import { writeSteps } from "./write-steps.ts";

export const steps: readonly Step[] = [
  ...configMapSteps,
  ...coreSteps,
  ...customResourceSteps,
  ...moreCoreSteps,
  ...writeSteps,
  ...schemaSteps,
  ...definitionSteps,
  ...applySteps,
  ...representationSteps,
];
