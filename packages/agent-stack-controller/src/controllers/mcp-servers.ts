/** AgentMcpServers: what they need exists, and those over HTTP answer. A stdio server starts with the agent: nothing to ask before. */
import { defineController, done } from "@krate/controller";
import { AgentMcpServer, type ConditionInput, ConfigMap, isFalse, isTrue, type ObjectOf, Secret } from "@krate/kinds";
import { probeMcpServer } from "../probe.ts";
import { everyOneIn } from "./stacks.ts";

type Server = ObjectOf<typeof AgentMcpServer>;

const probeSeconds = 60;

export const mcpServers = defineController({
  name: "agent-mcp-servers",
  for: AgentMcpServer,
  watches: [everyOneIn(Secret, AgentMcpServer), everyOneIn(ConfigMap, AgentMcpServer)],
  concurrency: 8,
  async reconcile(server, { lister, now, signal }) {
    const { spec, metadata, status } = server;
    const namespace = metadata.namespace ?? "";
    const health = (value: NonNullable<Server["status"]>["health"], ready: ConditionInput, more: object = {}) =>
      done({
        status: { phase: ready.status === "True" ? ("Ready" as const) : ("Error" as const), health: value, ...more },
        conditions: [ready],
      });
    if (spec.disabled) return health("Disabled", isFalse("Ready", "Disabled", "spec.disabled is true"));
    const secret = secretsOf(server).find((name) => !lister(Secret).get({ namespace, name }));
    if (secret)
      return health("Failed", isFalse("Ready", "SecretMissing", `Secret "${secret}" does not exist: create it`));
    const config = configMapsOf(server).find((name) => !lister(ConfigMap).get({ namespace, name }));
    if (config)
      return health("Failed", isFalse("Ready", "ConfigMissing", `ConfigMap "${config}" does not exist: create it`));
    if (spec.transport === "stdio" || spec.url === undefined)
      return health("Ready", isTrue("Ready", "Ready", "stdio: starts with the agent, in its Pod"));

    const at = now();
    const probe = await probeMcpServer({ url: spec.url, transport: spec.transport }, signal);
    // Headers from Secrets are the agent's to send: a server that asks for them is there.
    const needsHeaders = probe.health === "Denied" && Object.keys(spec.headersFrom ?? {}).length > 0;
    const ready =
      probe.health === "Ready" || needsHeaders
        ? isTrue("Ready", "Ready", needsHeaders ? "asks for credentials, which the agent has" : "")
        : isFalse("Ready", "ProbeFailed", probe.message);
    const sameHealth = status?.health === (needsHeaders ? "Ready" : probe.health);
    const result = health(needsHeaders ? "Ready" : probe.health, ready, {
      discoveredTools: probe.tools,
      // A time that moves with every probe would be a write a minute: it is that of the last change.
      lastProbeAt: sameHealth && status?.lastProbeAt ? status.lastProbeAt : at.toISOString().replace(/\.\d+Z$/, "Z"),
    });
    return { ...result, requeueAfterSeconds: probeSeconds };
  },
});

function secretsOf({ spec }: Server): string[] {
  const fromEnv = (spec.envFrom ?? []).flatMap(({ secretRef }) => secretRef ?? []);
  return [...(spec.secretRefs ?? []), ...fromEnv, ...Object.values(spec.headersFrom ?? {}).map(({ name }) => name)];
}

function configMapsOf({ spec }: Server): string[] {
  return [...(spec.configMapRefs ?? []), ...(spec.envFrom ?? []).flatMap(({ configMapRef }) => configMapRef ?? [])];
}
