/** The whole program against a real API server, and a real MCP endpoint over HTTP. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { startProgram } from "@krate/controller";
import { withApiServer } from "@krate/controller/testing";
import {
  AgentContextLabel,
  AgentMcpServer,
  AgentRoleBinding,
  AgentSecretGrant,
  AgentServiceAccount,
  AgentSkill,
  AgentStack,
  Event,
  findCondition,
  foreignKind,
  type ObjectOf,
  Secret,
  ServiceAccount,
} from "@krate/kinds";
import { eventually } from "@krate/testing";
import { readConfig } from "./config.ts";
import { agentStackController } from "./program.ts";

const namespace = "acme";
const organizationRef = "acme";
const RoleBinding = foreignKind<{ subjects?: unknown[]; metadata?: object }>({
  group: "rbac.authorization.k8s.io",
  version: "v1",
  kind: "RoleBinding",
  plural: "rolebindings",
});

describe("agent-stack-controller", () => {
  const server = withApiServer({ namespaces: [namespace] });
  const stop = new AbortController();
  let finished: Promise<void>;
  let mcp: Server;
  let mcpUrl: string;

  beforeAll(async () => {
    mcp = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const message = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { id?: number; method: string };
        if (message.id === undefined) return response.writeHead(202).end();
        const results: Record<string, object> = {
          initialize: { protocolVersion: "2025-06-18", capabilities: {}, serverInfo: { name: "t", version: "1" } },
          "tools/list": { tools: [{ name: "search" }, { name: "fetch" }] },
        };
        const body = JSON.stringify({ jsonrpc: "2.0", id: message.id, result: results[message.method] });
        response.writeHead(200, { "content-type": "text/event-stream" }).end(`event: message\ndata: ${body}\n\n`);
      });
    });
    await new Promise<void>((resolve) => mcp.listen(0, "127.0.0.1", resolve));
    mcpUrl = `http://127.0.0.1:${(mcp.address() as AddressInfo).port}/mcp`;
    const config = readConfig({ KRATE_LEADER_ELECTION: "false", KRATE_LOG_LEVEL: "silent" });
    const running = await startProgram(
      { ...agentStackController(config), client: server().as("agent-stack-controller") },
      stop.signal,
    );
    finished = running.finished;
    await running.ready;
  }, 60_000);
  afterAll(async () => {
    stop.abort(new Error("test over"));
    await finished;
    mcp.close();
    mcp.closeAllConnections();
  });

  const stackWith = (phase: string) =>
    eventually(
      async () => {
        const object = await server().client.get(AgentStack, { namespace, name: "fixer" });
        return object.status?.phase === phase && object;
      },
      { description: `the stack is ${phase}` },
    );
  const reasonOf = (stack: ObjectOf<typeof AgentStack>, type: string) => findCondition(stack, type)?.reason;

  it("says everything that is missing, and is Ready when it is there", async () => {
    const client = server().client;
    await client.create(AgentStack, {
      metadata: { namespace, name: "fixer" },
      spec: {
        organizationRef,
        baseAgent: "claude-code",
        adapter: "acp",
        runtimeIdentity: { serviceAccountRef: "bot" },
        skillRefs: ["triage"],
        mcpServerRefs: ["search"],
        permissionRefs: { secretGrants: ["token"], roleBindings: ["reader"] },
      },
    });
    const missing = await stackWith("Error");
    expect(
      ["RuntimeIdentityReady", "RolesAdmitted", "SecretsAdmitted", "SkillsValidated", "McpHealthy"].map((type) =>
        reasonOf(missing, type),
      ),
    ).toEqual(["ServiceAccountMissing", "RoleBindingMissing", "MissingSecretGrant", "SkillMissing", "ServerMissing"]);
    expect(missing.status?.conditions).toHaveLength(12);

    const metadata = (name: string) => ({ namespace, name });
    await client.create(AgentSkill, {
      metadata: metadata("triage"),
      spec: {
        organizationRef,
        format: "inline",
        sourceRef: "inline",
        promptFragment: "Look at the newest failure.",
        requiredSecretRefs: ["api"],
      },
    });
    await client.create(AgentMcpServer, {
      metadata: metadata("search"),
      spec: { organizationRef, transport: "streamable-http", scope: "org", url: mcpUrl },
    });
    await client.create(AgentServiceAccount, {
      metadata: metadata("bot"),
      spec: { organizationRef, namespace, serviceAccountName: "agent-bot" },
    });
    await client.create(AgentRoleBinding, {
      metadata: metadata("reader"),
      spec: {
        organizationRef,
        subject: { kind: "agent-stack", name: "fixer" },
        roleRef: { kind: "ClusterRole", name: "view" },
        scope: "namespace",
      },
    });
    await client.create(AgentSecretGrant, {
      metadata: metadata("token"),
      spec: {
        organizationRef,
        subject: { kind: "agent-stack", name: "fixer" },
        secretRef: { name: "api", keys: ["key"] },
        purpose: "skill",
      },
    });
    const blocked = await stackWith("Blocked");
    expect(reasonOf(blocked, "Ready")).toBe("PermissionRequirementsBlocked");
    await client.create(Secret, { metadata: metadata("api"), stringData: { key: "value" } });
    const ready = await stackWith("Ready");
    expect(findCondition(ready, "Ready")).toMatchObject({ status: "True", observedGeneration: 1 });

    expect((await client.get(AgentMcpServer, metadata("search"))).status).toMatchObject({
      health: "Ready",
      discoveredTools: ["fetch", "search"],
    });
    expect((await client.get(ServiceAccount, metadata("agent-bot"))).automountServiceAccountToken).toBe(false);
    expect((await client.get(RoleBinding, metadata("agent-reader"))).subjects).toEqual([
      { kind: "ServiceAccount", name: "agent-bot", namespace },
    ]);
    await eventually(async () => {
      const { items } = await client.list(Event, { namespace });
      return items.some(({ involvedObject, reason }) => involvedObject.name === "fixer" && reason === "Ready");
    });
  });

  it("blocks again when a key vanishes", async () => {
    await server().client.patch(Secret, { namespace, name: "api" }, { data: { key: null } }, { type: "merge" });
    const blocked = await stackWith("Blocked");
    expect(reasonOf(blocked, "SecretsAdmitted")).toBe("SecretKeyMissing");
  });

  it("takes over no ServiceAccount of somebody else", async () => {
    await server().client.create(ServiceAccount, { metadata: { namespace, name: "precious" } });
    await server().client.create(AgentServiceAccount, {
      metadata: { namespace, name: "thief" },
      spec: { organizationRef, namespace, serviceAccountName: "precious" },
    });
    await eventually(async () => {
      const account = await server().client.get(AgentServiceAccount, { namespace, name: "thief" });
      return findCondition(account, "ServiceAccountSynced")?.reason === "OwnedByOther";
    });
  });

  it("a context label loses its review when its text changes", async () => {
    const key = { namespace, name: "style" };
    const client = server().client;
    const reviewed = (status: string) =>
      eventually(async () => findCondition(await client.get(AgentContextLabel, key), "Reviewed")?.status === status);
    await client.create(AgentContextLabel, {
      metadata: key,
      spec: { organizationRef, promptFragment: "Short sentences.", allowedSources: ["manual"], reviewer: "ada" },
    });
    await reviewed("True");
    await client.patch(AgentContextLabel, key, { spec: { promptFragment: "Long sentences." } }, { type: "merge" });
    await reviewed("False");
    await client.patch(AgentContextLabel, key, { spec: { reviewer: "bob" } }, { type: "merge" });
    await reviewed("True");
  });
});
