import { readFile } from "node:fs/promises";
import { request } from "node:https";
import type { Credential } from "@krate/pki";

export interface Answer {
  status: number;
  body: string;
}

/** One HTTPS request with a client certificate, on a connection of its own. For readiness checks and small scripts. */
export type Requester = (
  path: string,
  options?: { method?: string; body?: unknown; headers?: Record<string, string> },
) => Promise<Answer>;

export async function clientOf(url: string, caFile: string, credential: Credential): Promise<Requester> {
  const [ca, cert, key] = await Promise.all(
    [caFile, credential.certFile, credential.keyFile].map((file) => readFile(file)),
  );
  return (path, { method = "GET", body, headers } = {}) =>
    new Promise((resolve, reject) => {
      const call = request(
        new URL(path, url),
        {
          ca,
          cert,
          key,
          method,
          agent: false,
          timeout: 30_000,
          headers: { "content-type": "application/json", ...headers },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.once("error", reject);
          response.once("end", () =>
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
          );
        },
      );
      call.once("timeout", () => call.destroy(new Error(`no answer from ${path} within 30 s`)));
      call.once("error", reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
}
