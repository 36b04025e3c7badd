/** The world of one namespace, read from informers. */
import type { MapContext } from "@krate/controller";
import {
  AgentConfigGrant,
  AgentContextLabel,
  AgentMcpServer,
  AgentRoleBinding,
  AgentSecretGrant,
  AgentServiceAccount,
  AgentSkill,
  AgentStack,
  AgentSubagent,
  AgentToolProfile,
  AgentWorkspacePolicy,
  ConfigMap,
  type ConfigMapType,
  type KindRef,
  type ObjectOf,
  RunnerPool,
  Secret,
  type SecretType,
} from "@krate/kinds";
import type { PlatformPolicy, World } from "../assess/world.ts";

/** Everything an assessment may read. */
export const worldKinds: readonly KindRef[] = [
  AgentStack,
  AgentServiceAccount,
  AgentRoleBinding,
  AgentSecretGrant,
  AgentConfigGrant,
  AgentToolProfile,
  AgentMcpServer,
  AgentSkill,
  AgentSubagent,
  AgentContextLabel,
  AgentWorkspacePolicy,
  RunnerPool,
  Secret,
  ConfigMap,
];

export function worldOf(namespace: string, policy: PlatformPolicy, { lister }: MapContext): World {
  const named =
    <K extends KindRef>(kind: K) =>
    (name: string): ObjectOf<K> | undefined =>
      lister(kind).get({ namespace, name });
  const secret = named(Secret);
  const configMap = named(ConfigMap);
  const keys = (object: { data?: object } | undefined) => object && Object.keys(object.data ?? {});
  return {
    policy,
    stack: named(AgentStack),
    serviceAccount: named(AgentServiceAccount),
    roleBinding: named(AgentRoleBinding),
    secretGrant: named(AgentSecretGrant),
    configGrant: named(AgentConfigGrant),
    toolProfile: named(AgentToolProfile),
    mcpServer: named(AgentMcpServer),
    skill: named(AgentSkill),
    subagent: named(AgentSubagent),
    contextLabel: named(AgentContextLabel),
    workspacePolicy: named(AgentWorkspacePolicy),
    runnerPool: named(RunnerPool),
    secretKeys: (name) => keys(secret(name)),
    configMapKeys: (name) => keys(configMap(name)),
    secretCreatedAt: (name) => secret(name)?.metadata?.creationTimestamp as string | undefined,
  };
}

/** Only the names of keys are kept in memory. */
export function withoutValues<T extends SecretType | ConfigMapType>(object: T): T {
  const blank = (data: Record<string, string> | undefined) =>
    data && Object.fromEntries(Object.keys(data).map((key) => [key, ""]));
  const { binaryData: _binary, ...kept } = object as ConfigMapType & T;
  return { ...kept, data: { ...blank(object.data), ...blank((object as ConfigMapType).binaryData) } } as T;
}
