import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { JsonObject } from "@krate/apimachinery";
import { certificateAuthority, issueCertificate } from "@krate/pki";
import { type TemporaryFolder, temporaryFolder } from "@krate/testing";
import { encodeObject } from "../storage/encode-object.ts";
import { createMemoryStore } from "../storage/memory/memory-store.ts";
import type { Store } from "../storage/store.ts";
import { type KubeletCredentials, nodeLogs } from "./node-logs.ts";
import type { PodLogs } from "./pod-logs.ts";

let folder: TemporaryFolder;
let kubelet: Server;
let credentials: KubeletCredentials;
let store: Store;
let logs: PodLogs;
const asked: string[] = [];

beforeAll(async () => {
  folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const authority = await certificateAuthority(at("ca"), "test-ca");
  const read = async (file: string) => await readFile(file, "utf8");
  const ca = await read(authority.certFile);
  const node = await issueCertificate(authority, at("node"), { name: "system:node:n", hosts: ["127.0.0.1"] });
  const client = await issueCertificate(authority, at("client"), { name: "apiserver" });
  credentials = { cert: await read(client.certFile), key: await read(client.keyFile), ca };
  const tls = {
    cert: await read(node.certFile),
    key: await read(node.keyFile),
    ca,
    requestCert: true,
    rejectUnauthorized: true,
  };
  kubelet = createServer(tls, (request, response) => {
    asked.push(`${(request.socket as TLSSocket).getPeerCertificate().subject.CN} ${request.url}`);
    if (request.url?.endsWith("/broken")) response.writeHead(404).end();
    else response.write("line 1\n", () => response.end("line 2\n"));
  });
  await new Promise<void>((resolve) => kubelet.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  kubelet.close();
  await folder.remove();
});

const put = (resource: string, namespace: string, name: string, object: JsonObject) =>
  store.create({ group: "", resource, namespace, name }, encodeObject({ ...object, metadata: { name } as object }));

beforeEach(async () => {
  asked.length = 0;
  store = createMemoryStore();
  logs = nodeLogs(store, credentials);
  const { port } = kubelet.address() as AddressInfo;
  await put("nodes", "", "n", {
    status: {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    },
  });
  await put("pods", "ns", "p", { spec: { nodeName: "n", containers: [{ name: "c" }] } });
  await put("pods", "ns", "two", { spec: { nodeName: "n", containers: [{ name: "a" }, { name: "broken" }] } });
  await put("pods", "ns", "pending", { spec: { containers: [{ name: "c" }] } });
});

async function read(pod: string, container?: string, query = ""): Promise<string> {
  const { signal } = new AbortController();
  let text = "";
  for await (const chunk of await logs.open({
    namespace: "ns",
    pod,
    container,
    query: new URLSearchParams(query),
    signal,
  })) {
    text += chunk.toString();
  }
  return text;
}

test("the only container is read from its node, with our certificate and the client's options", async () => {
  expect(await read("p", undefined, "follow=true&tailLines=2")).toBe("line 1\nline 2\n");
  expect(asked).toEqual(["apiserver /containerLogs/ns/p/c?follow=true&tailLines=2"]);
});

const refused = [
  { pod: "none", container: undefined, code: 404, says: 'pods "none" not found', reason: "no such Pod" },
  { pod: "pending", container: undefined, code: 400, says: "does not have a host assigned", reason: "no node yet" },
  { pod: "two", container: undefined, code: 400, says: "choose one of: [a broken]", reason: "several containers" },
  { pod: "two", container: "x", code: 400, says: "container x is not valid for pod two", reason: "no such container" },
  { pod: "two", container: "broken", code: 404, says: "not found", reason: "the node does not know it" },
];
test.each(refused)("$code: $reason", async ({ pod, container, code, says }) => {
  await expect(read(pod, container)).rejects.toMatchObject({ code, message: expect.stringContaining(says) });
});

test("a node that does not answer is 503", async () => {
  logs = nodeLogs(store, { ...credentials, ca: credentials.cert });
  await expect(read("p")).rejects.toMatchObject({ code: 503 });
});
