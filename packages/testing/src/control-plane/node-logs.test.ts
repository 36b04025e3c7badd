import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { expect, test } from "@jest/globals";
import { certificateAuthority, issueCertificate } from "@krate/pki";
import { eventually } from "../eventually.ts";
import { skipWithout } from "../skip-without.ts";
import { temporaryFolder } from "../temp-dir.ts";
import { withControlPlane } from "../with-control-plane.ts";
import { clientOf, type Requester } from "./request.ts";
import { kubeconfigFor } from "./users.ts";

skipWithout("envtest")("a node that is a process on this machine", () => {
  const controlPlane = withControlPlane();

  test("registers itself with its own certificate and is asked for the logs of its Pods", async () => {
    const info = controlPlane();
    const nodeName = `node-${randomBytes(4).toString("hex")}`;
    const admin = await clientOf(info.url, info.caFile, {
      certFile: info.adminClientCert,
      keyFile: info.adminClientKey,
    });
    const kubeconfig = await kubeconfigFor(info, { name: `system:node:${nodeName}`, groups: ["system:nodes"] });
    const credential = kubeconfig.replace(/\.kubeconfig$/, "");
    const node = await clientOf(info.url, info.caFile, { certFile: `${credential}.crt`, keyFile: `${credential}.key` });

    await using kubelet = await startKubelet(info.caFile);
    await post(node, "/api/v1/nodes", nodeObject(nodeName, kubelet.port));
    await post(admin, "/api/v1/namespaces/default/pods", podObject(nodeName));
    const log = await eventually(
      async () => {
        const { status, body } = await admin(`/api/v1/namespaces/default/pods/${nodeName}/log`);
        return status === 200 && body;
      },
      { description: `the log of pod ${nodeName}` },
    );
    expect(log).toBe(`GET /containerLogs/default/${nodeName}/main from kube-apiserver-kubelet-client`);
    await admin(`/api/v1/namespaces/default/pods/${nodeName}?gracePeriodSeconds=0`, { method: "DELETE" });
    await admin(`/api/v1/nodes/${nodeName}`, { method: "DELETE" });
  }, 30_000);
});

function nodeObject(name: string, port: number): object {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    status: {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
      conditions: [{ type: "Ready", status: "True", reason: "Running", message: "" }],
    },
  };
}

function podObject(nodeName: string): object {
  const spec = { nodeName, automountServiceAccountToken: false, containers: [{ name: "main", image: "none" }] };
  return { apiVersion: "v1", kind: "Pod", metadata: { name: nodeName }, spec };
}

/** The one path of a kubelet that kube-apiserver asks for logs; answers who asked for what. */
async function startKubelet(clientCaFile: string) {
  const folder = await temporaryFolder("kubelet");
  const ca = await certificateAuthority(join(folder.path, "ca"), "kubelet-ca");
  const files = await issueCertificate(ca, join(folder.path, "kubelet"), { name: "kubelet", hosts: ["127.0.0.1"] });
  const server = createServer(
    {
      cert: readFileSync(files.certFile),
      key: readFileSync(files.keyFile),
      ca: readFileSync(clientCaFile),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      response.end(`${request.method} ${request.url} from ${subject.CN}`);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await folder.remove();
    },
  };
}

async function post(client: Requester, path: string, body: object): Promise<void> {
  const answer = await client(path, { method: "POST", body });
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${answer.body}`);
}
