/** The same requests to a real kube-apiserver and to ours: both must answer alike, but for uids, times and revisions. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { ApiError } from "@krate/kinds";
import { type KubeClient, kubeClient, loadKubeConfig } from "@krate/kube";
import { eventually, skipWithout, withControlPlane } from "@krate/testing";
import { type RealServer, realServer } from "../testing/real-server.ts";
import { definition } from "./definition.ts";
import { compare } from "./normalize.ts";
import { steps } from "./sequences.ts";
import type { Step } from "./step.ts";

// Two servers, one of which may be waking up.
jest.setTimeout(60_000);

interface Answer {
  status: number;
  body: unknown;
}

async function ask(client: KubeClient, { method = "GET", path, contentType, accept, body }: Step): Promise<Answer> {
  const headers = { ...(contentType && { "content-type": contentType }), ...(accept && { accept }) };
  try {
    const response = await client.raw({
      method,
      path,
      headers,
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { status: error.code, body: error.toStatus() };
  }
}

skipWithout("envtest")("kube-apiserver and ours", () => {
  const controlPlane = withControlPlane();
  let ours: RealServer;
  let clients: { theirs: KubeClient; ours: KubeClient };

  beforeAll(async () => {
    ours = await realServer();
    const connect = async (kubeconfig: string) => kubeClient(await loadKubeConfig(kubeconfig), { userAgent: "t" });
    clients = { theirs: await connect(controlPlane().kubeconfig), ours: await connect(ours.kubeconfig) };
    for (const client of Object.values(clients)) {
      const post = (path: string, body: object) => client.raw({ method: "POST", path, body });
      await post("/api/v1/namespaces", { metadata: { name: "cmp" } });
      await post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
      await eventually(() => client.raw({ path: "/apis/cmp.example.com/v1/namespaces/cmp/gadgets" }));
      await eventually(() => client.raw({ path: "/api/v1/namespaces/cmp/serviceaccounts/default" }));
    }
  }, 60_000);

  afterAll(async () => {
    await clients.theirs.raw({ method: "DELETE", path: "/api/v1/namespaces/cmp" });
    await clients.theirs.raw({
      method: "DELETE",
      path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.cmp.example.com",
    });
    for (const client of Object.values(clients)) await client.close();
    await ours.stop();
  });

  test.each(steps.map((step) => ({ ...step })))("$name", async (step) => {
    const theirs = await ask(clients.theirs, step);
    const mine = await ask(clients.ours, step);
    const { expected, received } = compare(theirs, mine, step.name);
    expect(received).toEqual(expected);
  });
});
