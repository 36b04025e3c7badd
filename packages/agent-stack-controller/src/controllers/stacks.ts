/** AgentStacks: the twelve conditions, and an Event when one changes. */
import { type Controller, defineController, done, watch } from "@krate/controller";
import { AgentStack, type ConditionInput, findCondition, type KindRef, type KubernetesObject } from "@krate/kinds";
import { assess } from "../assess/stack.ts";
import type { PlatformPolicy, Stack } from "../assess/world.ts";
import { worldKinds, worldOf } from "./world.ts";

export function stacks(policy: PlatformPolicy): Controller {
  const referenced = worldKinds.filter((kind) => kind !== AgentStack);
  return defineController({
    name: "agent-stacks",
    for: AgentStack,
    watches: referenced.map((kind) => everyOneIn(kind, AgentStack)),
    concurrency: 4,
    async reconcile(stack, context) {
      const { phase, conditions } = assess(stack, worldOf(stack.metadata.namespace ?? "", policy, context));
      for (const condition of changed(stack, conditions)) {
        const type = condition.status === "False" ? "Warning" : "Normal";
        context.events.record(
          stack,
          type,
          condition.reason,
          `${condition.type} is ${condition.status}. ${condition.message ?? ""}`.trim(),
        );
      }
      return done({ status: { phase }, conditions });
    },
  });
}

/** What people are told: conditions that turned False, and every change of Ready. */
function changed(stack: Stack, conditions: ConditionInput[]): ConditionInput[] {
  return conditions.filter(({ type, status, reason }) => {
    const before = findCondition(stack, type);
    const same = before?.status === status && before.reason === reason;
    return !same && (status === "False" || (type === "Ready" && (before !== undefined || status === "True")));
  });
}

/** A change of a referenced kind concerns every `target` of its namespace: who refers to it is the assessment's to know. */
export function everyOneIn(kind: KindRef, target: KindRef) {
  return watch(kind, ({ metadata }: KubernetesObject, { lister }) =>
    lister(target)
      .list(metadata?.namespace ?? "")
      .map((object) => ({
        namespace: metadata?.namespace ?? "",
        name: (object as KubernetesObject).metadata?.name ?? "",
      })),
  );
}
