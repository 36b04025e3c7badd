/** A real admission webhook: an HTTPS server with a certificate of its own authority, which says what a test wants it to. */
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import type { JsonObject } from "@krate/apimachinery";
import { certificateAuthority, issueCertificate } from "@krate/pki";
import { temporaryFolder } from "@krate/testing";

/** An `AdmissionRequest`. */
export type ReviewedRequest = JsonObject & { uid: string; operation: string };
export type Answering = (request: ReviewedRequest, path: string) => JsonObject | Promise<JsonObject>;
export type RawHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface WebhookServer {
  port: number;
  /** `caBundle` of a clientConfig. */
  caBundle: string;
  url(path?: string): string;
  /** The `response` of every AdmissionReview, without its uid. @defaultValue allowed */
  answer(answering: Answering): void;
  /** Takes over the whole exchange of this path. */
  raw(path: string, handler: RawHandler): void;
  /** The requests of the reviews so far, in the order they came. */
  readonly requests: ReviewedRequest[];
  /** Connections made so far. */
  readonly connections: () => number;
  stop(): Promise<void>;
}

/** @param hosts what the certificate is for */
export async function webhookServer(hosts: string[] = ["127.0.0.1", "localhost"]): Promise<WebhookServer> {
  const folder = await temporaryFolder();
  const ca = await certificateAuthority(join(folder.path, "ca"), "webhook-ca");
  const { certFile, keyFile } = await issueCertificate(ca, join(folder.path, "tls"), { name: "webhook", hosts });
  let answering: Answering = () => ({ allowed: true });
  const requests: ReviewedRequest[] = [];
  const raw = new Map<string, RawHandler>();
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ cert: await readFile(certFile), key: await readFile(keyFile) }, (request, response) => {
    const path = new URL(request.url ?? "/", "https://webhook").pathname;
    const handler = raw.get(path);
    if (handler !== undefined) return handler(request, response);
    void review(request, response, path);
  });
  // Go's client does not ask again when a connection is closed just as it is taken.
  server.keepAliveTimeout = 0;
  server.on("connection", (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("tlsClientError", () => {});

  async function review(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString("utf8")) as JsonObject & { request: ReviewedRequest };
    requests.push(body.request);
    const answer = { uid: body.request.uid, ...(await answering(body.request, path)) };
    const { apiVersion, kind } = body;
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ apiVersion, kind, response: answer }));
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    caBundle: (await readFile(ca.certFile)).toString("base64"),
    url: (path = "/") => `https://127.0.0.1:${port}${path}`,
    answer: (next) => {
      answering = next;
    },
    raw: (path, handler) => void raw.set(path, handler),
    requests,
    connections: () => connections,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await folder.remove();
    },
  };
}
