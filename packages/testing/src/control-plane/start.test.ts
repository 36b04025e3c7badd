import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createSecureServer, type Http2SecureServer, type IncomingHttpHeaders } from "node:http2";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { certificateAuthority, issueCertificate } from "@krate/pki";
import { eventually } from "../eventually.ts";
import { skipWithout } from "../skip-without.ts";
import { type TemporaryFolder, temporaryFolder } from "../temp-dir.ts";
import { clientOf, type Requester } from "./request.ts";
import { type ControlPlane, readControlPlane, startControlPlane } from "./start.ts";
import { isAlive, stopControlPlane } from "./stop.ts";
import { kubeconfigFor } from "./users.ts";

const startMilliseconds = 90_000;

skipWithout("envtest")("the control plane", () => {
  let plane: ControlPlane;
  let admin: Requester;

  beforeAll(async () => {
    plane = await startControlPlane();
    const { url, caFile, adminClientCert, adminClientKey } = plane.info;
    admin = await clientOf(url, caFile, { certFile: adminClientCert, keyFile: adminClientKey });
  }, startMilliseconds);

  afterAll(async () => {
    await plane?.stop();
  }, 20_000);

  test("says the version it was built from", async () => {
    expect(JSON.parse((await admin("/version")).body)).toMatchObject({ gitVersion: plane.info.version, minor: "36" });
  });

  test("serves a custom resource definition", async () => {
    const crd = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "widgets.example.com" },
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names: { plural: "widgets", kind: "Widget" },
        versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
      },
    };
    expect(await create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)).toMatchObject({
      kind: crd.kind,
    });
    const widget = { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "first" } };
    const path = "/apis/example.com/v1/namespaces/default/widgets";
    const made = await eventually(async () => (await admin(path, { method: "POST", body: widget })).status === 201);
    expect(made).toBe(true);
  });

  test("a user with a client certificate may do what RBAC grants, and nothing else", async () => {
    await kubeconfigFor(plane.info, { name: "ada", groups: ["developers"] });
    const ada = await clientOf(plane.info.url, plane.info.caFile, {
      certFile: join(plane.info.dataFolder, "users", "ada.crt"),
      keyFile: join(plane.info.dataFolder, "users", "ada.key"),
    });
    const path = "/api/v1/namespaces/default/configmaps";
    expect((await ada(path)).status).toBe(403);
    const rbac = "rbac.authorization.k8s.io";
    await create(`/apis/${rbac}/v1/clusterrolebindings`, {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: "developers" },
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name: "view" },
      subjects: [{ kind: "Group", name: "developers", apiGroup: rbac }],
    });
    await eventually(async () => (await ada(path)).status === 200, { description: "ada may list configmaps" });
    expect((await ada("/api/v1/namespaces/default/secrets")).status).toBe(403);
  });

  test("a service account gets a token that authenticates it", async () => {
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 600 } };
    const path = "/api/v1/namespaces/default/serviceaccounts/default/token";
    const { status } = (await create(path, body)) as { status: { token: string } };
    const review = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token: status.token } };
    expect(await create("/apis/authentication.k8s.io/v1/tokenreviews", review)).toMatchObject({
      status: { authenticated: true, user: { username: "system:serviceaccount:default:default" } },
    });
  });

  test("a namespace that is deleted goes away: the controller manager is at work", async () => {
    await create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "short-lived" } });
    await admin("/api/v1/namespaces/short-lived", { method: "DELETE" });
    const gone = async () => (await admin("/api/v1/namespaces/short-lived")).status === 404;
    await eventually(gone, { timeoutSeconds: 30, description: "namespace short-lived is gone" });
  }, 40_000);

  test("an APIService behind an ExternalName Service is reached, with the user in X-Remote-* headers", async () => {
    await using aggregated = await startAggregatedServer(plane);
    await aggregated.register(create);
    const path = "/apis/forge.example.com/v1/things";
    await eventually(async () => (await admin(path)).status === 200, { timeoutSeconds: 20, description: path });
    expect(aggregated.lastHeaders()).toMatchObject({
      "x-remote-user": "kubernetes-admin",
      "x-remote-group": expect.stringContaining("system:masters"),
    });
    expect(aggregated.lastClient()).toBe("front-proxy-client");
  }, 30_000);

  async function create(path: string, body: object): Promise<unknown> {
    const answer = await admin(path, { method: "POST", body });
    if (answer.status !== 201 && answer.status !== 200)
      throw new Error(`POST ${path}: ${answer.status} ${answer.body}`);
    return JSON.parse(answer.body);
  }
});

skipWithout("envtest")("hack/control-plane start", () => {
  let folder: TemporaryFolder;
  let command: ChildProcess;

  beforeAll(async () => {
    folder = await temporaryFolder("control-plane");
    command = await startCommand(folder.path);
  }, startMilliseconds);

  afterAll(async () => {
    command?.kill("SIGTERM");
    await folder?.remove();
  });

  test("leaves no orphans when it is killed", async () => {
    const { pids } = await readControlPlane(join(folder.path, "control-plane.json"));
    expect(Object.values(pids).every(isAlive)).toBe(true);
    command.kill("SIGKILL");
    const ended = () => Object.values(pids).every((pid) => !isAlive(pid));
    await eventually(ended, { timeoutSeconds: 10, description: `${JSON.stringify(pids)} have ended` });
  }, 20_000);

  test(
    "finds its data again, and stop ends it",
    async () => {
      command = await startCommand(folder.path);
      const info = await readControlPlane(join(folder.path, "control-plane.json"));
      await stopControlPlane(info);
      expect(existsSync(join(folder.path, "control-plane.json"))).toBe(false);
      expect(Object.values(info.pids).filter(isAlive)).toEqual([]);
    },
    startMilliseconds,
  );
});

async function startCommand(dataFolder: string): Promise<ChildProcess> {
  const script = fileURLToPath(new URL("./main.ts", import.meta.url));
  const args = ["--conditions=development", script, "start", "--data", dataFolder, "--no-controller-manager"];
  const command = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ready = once(command.stdout as NodeJS.ReadableStream, "data");
  const ended = once(command, "exit").then(([code]) => {
    throw new Error(`start ended with exit code ${code}`);
  });
  ended.catch(() => {});
  await Promise.race([ready, ended]);
  return command;
}

/** What an aggregated API server is at the least: one discovery document and one list. */
async function startAggregatedServer(plane: ControlPlane) {
  const ca = await certificateAuthority(join(plane.info.dataFolder, "forge-ca"), "forge-ca");
  const files = await issueCertificate(ca, join(plane.info.dataFolder, "forge"), {
    name: "forge",
    hosts: ["forge.default.svc"],
  });
  let headers: IncomingHttpHeaders = {};
  let client: unknown;
  const server: Http2SecureServer = createSecureServer({
    allowHTTP1: true,
    requestCert: true,
    cert: readFileSync(files.certFile),
    key: readFileSync(files.keyFile),
    ca: readFileSync(plane.info.frontProxyCaFile),
  });
  server.on("request", (request, response) => {
    if (request.url.endsWith("/things")) {
      headers = request.headers;
      client = (request.socket as unknown as import("node:tls").TLSSocket).getPeerCertificate().subject?.CN;
    }
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({
        kind: "APIResourceList",
        apiVersion: "v1",
        groupVersion: "forge.example.com/v1",
        resources: [],
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    lastHeaders: () => headers,
    lastClient: () => client,
    async register(create: (path: string, body: object) => Promise<unknown>) {
      await create("/api/v1/namespaces/default/services", {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "forge" },
        spec: { type: "ExternalName", externalName: "localhost", ports: [{ port }] },
      });
      await create("/apis/apiregistration.k8s.io/v1/apiservices", {
        apiVersion: "apiregistration.k8s.io/v1",
        kind: "APIService",
        metadata: { name: "v1.forge.example.com" },
        spec: {
          group: "forge.example.com",
          version: "v1",
          groupPriorityMinimum: 1000,
          versionPriority: 10,
          service: { namespace: "default", name: "forge", port },
          caBundle: readFileSync(ca.certFile).toString("base64"),
        },
      });
    },
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}
