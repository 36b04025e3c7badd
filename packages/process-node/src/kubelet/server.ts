/** The part of kubelet's API that an API server needs: `GET /containerLogs/<namespace>/<pod>/<container>` and `/healthz`. */
import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ApiError } from "@krate/kinds";
import type { Logger } from "@krate/telemetry";
import type { PodProcesses } from "../pods/processes.ts";
import { readLogOptions } from "./log-options.ts";
import { readLog } from "./log-reader.ts";

export interface KubeletOptions {
  address: { host: string; port: number };
  tls: { certFile: string; keyFile: string; clientCaFile: string };
  processes: PodProcesses;
  log: Logger;
}

export interface Kubelet {
  port: number;
  close(): void;
}

/** Only clients with a certificate of the client CA get beyond the handshake. */
export async function startKubelet({ address, tls, processes, log }: KubeletOptions): Promise<Kubelet> {
  const server = createServer(
    {
      cert: readFileSync(tls.certFile),
      key: readFileSync(tls.keyFile),
      ca: readFileSync(tls.clientCaFile),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: "TLSv1.2",
    },
    (request, response) => {
      answer(request, response, processes).catch((error: unknown) => {
        if (isGone(error)) return;
        if (!(error instanceof ApiError)) log.error({ err: error, path: request.url }, "a log could not be read");
        if (response.headersSent) response.destroy();
        else response.writeHead(error instanceof ApiError ? error.code : 500).end(`${(error as Error).message}\n`);
      });
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(address.port, address.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function isGone(error: unknown): boolean {
  return ["ERR_STREAM_PREMATURE_CLOSE", "ECONNRESET", "EPIPE"].includes((error as NodeJS.ErrnoException).code ?? "");
}

async function answer(request: IncomingMessage, response: ServerResponse, processes: PodProcesses): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "https://node");
  if (pathname === "/healthz") return void response.end("ok");
  const [, resource, namespace = "", name = "", container = ""] = pathname.split("/").map(decodeURIComponent);
  if (request.method !== "GET" || resource !== "containerLogs")
    return void response.writeHead(404).end("not found: GET /containerLogs/<namespace>/<pod>/<container> is served\n");
  const record = processes.find(namespace, name);
  if (record?.container !== container)
    return void response.writeHead(404).end(`container ${container} of pod ${namespace}/${name} is not on this node\n`);
  const options = readLogOptions(searchParams, Date.now());
  await using file = await open(processes.folder(record.uid).log, "r");
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
  response.flushHeaders();
  const source = {
    file,
    times: processes.logTimes(record.uid),
    hasEnded: () => record.end !== undefined || processes.get(record.uid) !== record,
  };
  await pipeline(Readable.from(readLog(source, options, gone.signal), { objectMode: false }), response);
}
