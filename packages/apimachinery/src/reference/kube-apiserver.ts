/** For tests that compare with a real kube-apiserver: raw requests, without a client library in between. */
import { readFileSync } from "node:fs";
import { request } from "node:https";
import type { JsonObject } from "../json.ts";
import { isObject } from "../json.ts";

/** Where a control plane is; `ControlPlaneInfo` of @krate/testing fits. */
export interface ReferenceAddress {
  url: string;
  caFile: string;
  adminClientCert: string;
  adminClientKey: string;
}

export interface ReferenceAnswer {
  code: number;
  body: JsonObject;
  warnings: string[];
}

export interface ReferenceRequest {
  method: string;
  path: string;
  body?: unknown;
  contentType?: string;
  userAgent?: string;
  /** @defaultValue 'application/json' */
  accept?: string;
}

const requestTimeoutMilliseconds = 20_000;

/** Sends requests as cluster administrator. */
export function referenceServer(address: ReferenceAddress): (request: ReferenceRequest) => Promise<ReferenceAnswer> {
  const tls = {
    ca: readFileSync(address.caFile),
    cert: readFileSync(address.adminClientCert),
    key: readFileSync(address.adminClientKey),
  };
  return ({
    method,
    path,
    body,
    contentType = "application/json",
    userAgent = "reference/1",
    accept = "application/json",
  }) =>
    new Promise((resolve, reject) => {
      const headers = { "content-type": contentType, "user-agent": userAgent, accept };
      const outgoing = request(
        new URL(path, address.url),
        { method, headers, timeout: requestTimeoutMilliseconds, ...tls },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
          incoming.on("error", reject);
          incoming.on("end", () =>
            resolve(answerOf(incoming.statusCode ?? 0, Buffer.concat(chunks).toString(), incoming.headers.warning)),
          );
        },
      );
      outgoing.on("error", reject);
      outgoing.on("timeout", () =>
        outgoing.destroy(new Error(`${method} ${path} took longer than ${requestTimeoutMilliseconds} ms`)),
      );
      outgoing.end(body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body));
    });
}

function answerOf(code: number, text: string, warning: string | undefined): ReferenceAnswer {
  const parsed: unknown = text.startsWith("{") ? JSON.parse(text) : { text };
  const warnings = [...(warning ?? "").matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(
    ([, quoted]) => JSON.parse(`"${quoted}"`) as string,
  );
  return { code, body: isObject(parsed) ? parsed : {}, warnings };
}
