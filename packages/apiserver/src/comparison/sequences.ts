/**
 * Requests whose answers are compared with a real kube-apiserver, one after another in a fresh namespace `cmp`. Most are things that clients
 * do wrong: what a server says then is what people tell two servers apart by.
 */
import { configMapSteps } from "./config-map-steps.ts";
import { coreSteps } from "./core-steps.ts";
import { customResourceSteps } from "./custom-resource-steps.ts";
import { moreCoreSteps } from "./more-core-steps.ts";
import type { Step } from "./step.ts";

export const steps: readonly Step[] = [...configMapSteps, ...coreSteps, ...customResourceSteps, ...moreCoreSteps];
