/** What an assessment looks at: the objects of one namespace by name, and what the platform allows. Pure. */
import type {
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
  Condition,
  ObjectOf,
  RunnerPool,
} from "@krate/kinds";

export interface PlatformPolicy {
  adapters: string[];
  allowedApprovalModes: string[];
  allowForkSecrets: boolean;
  maxParallelSubagents: number;
}

export type Stack = ObjectOf<typeof AgentStack>;
type Named<T> = (name: string) => T | undefined;

export interface World {
  policy: PlatformPolicy;
  stack: Named<Stack>;
  serviceAccount: Named<ObjectOf<typeof AgentServiceAccount>>;
  roleBinding: Named<ObjectOf<typeof AgentRoleBinding>>;
  secretGrant: Named<ObjectOf<typeof AgentSecretGrant>>;
  configGrant: Named<ObjectOf<typeof AgentConfigGrant>>;
  toolProfile: Named<ObjectOf<typeof AgentToolProfile>>;
  mcpServer: Named<ObjectOf<typeof AgentMcpServer>>;
  skill: Named<ObjectOf<typeof AgentSkill>>;
  subagent: Named<ObjectOf<typeof AgentSubagent>>;
  contextLabel: Named<ObjectOf<typeof AgentContextLabel>>;
  workspacePolicy: Named<ObjectOf<typeof AgentWorkspacePolicy>>;
  runnerPool: Named<ObjectOf<typeof RunnerPool>>;
  /** Keys of a Secret; undefined when it does not exist. Values are not here. */
  secretKeys: Named<string[]>;
  configMapKeys: Named<string[]>;
  /** When a Secret was last changed, RFC 3339, as far as known: its creation. */
  secretCreatedAt: Named<string>;
}

interface WithConditions {
  metadata: { generation?: number };
  status?: { conditions?: Condition[] };
}

/** What an object says about itself; an answer about an older generation is none. */
export function readinessOf(object: WithConditions): { status: Condition["status"]; reason: string; message: string } {
  const ready = object.status?.conditions?.find(({ type }) => type === "Ready");
  if (!ready || ready.observedGeneration !== object.metadata.generation)
    return { status: "Unknown", reason: "Pending", message: "its current version is not judged yet" };
  return { status: ready.status, reason: ready.reason, message: ready.message };
}
