/** Kinds whose conditions follow from objects alone: assess, write. */
import { type Controller, defineController, done } from "@krate/controller";
import {
  AgentConfigGrant,
  AgentContextLabel,
  AgentMcpServer,
  AgentSecretGrant,
  AgentServiceAccount,
  AgentSkill,
  AgentStack,
  AgentSubagent,
  AgentToolProfile,
  AgentWorkspacePolicy,
  ConfigMap,
  type KindRef,
  type KubernetesObject,
  type ObjectOf,
  RunnerPool,
  Secret,
} from "@krate/kinds";
import {
  assessConfigGrant,
  assessContextLabel,
  assessSecretGrant,
  assessSkill,
  assessSubagent,
  assessToolProfile,
  assessWorkspacePolicy,
  type PartAssessment,
} from "../assess/parts.ts";
import type { PlatformPolicy, World } from "../assess/world.ts";
import { everyOneIn } from "./stacks.ts";
import { worldOf } from "./world.ts";

/** Grants expire by age; everything else changes with an event. */
const grantResyncSeconds = 3600;

export function parts(policy: PlatformPolicy): Controller[] {
  const part = <K extends KindRef>(
    name: string,
    kind: K,
    looksAt: readonly KindRef[],
    assess: (object: ObjectOf<K>, world: World, now: Date) => PartAssessment,
    resyncSeconds?: number,
  ): Controller =>
    defineController({
      name,
      for: kind,
      watches: looksAt.map((other) => everyOneIn(other, kind)),
      ...(resyncSeconds !== undefined && { resyncSeconds }),
      async reconcile(object, context) {
        const namespace = (object as KubernetesObject).metadata?.namespace ?? "";
        const { phase, conditions, status } = assess(object, worldOf(namespace, policy, context), context.now());
        return done({ status: { ...status, phase } as never, conditions });
      },
    });
  const subjects = [AgentStack, AgentServiceAccount, RunnerPool];
  return [
    part("agent-secret-grants", AgentSecretGrant, [Secret, ...subjects], assessSecretGrant, grantResyncSeconds),
    part("agent-config-grants", AgentConfigGrant, [ConfigMap, ...subjects], assessConfigGrant),
    part("agent-tool-profiles", AgentToolProfile, [], assessToolProfile),
    part("agent-skills", AgentSkill, [], assessSkill),
    part("agent-subagents", AgentSubagent, [AgentSkill, AgentMcpServer, AgentServiceAccount], assessSubagent),
    part("agent-context-labels", AgentContextLabel, [], assessContextLabel),
    part("agent-workspace-policies", AgentWorkspacePolicy, [], assessWorkspacePolicy),
  ];
}
