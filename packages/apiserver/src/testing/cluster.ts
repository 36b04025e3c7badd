/** A whole standalone server in memory, asked without a socket. `x-user` says who asks; nobody says so: an administrator. */
import { generateKeyPairSync } from "node:crypto";
import type { JsonObject } from "@krate/apimachinery";
import { createLogger } from "@krate/telemetry";
import type { MemoryRequest } from "../http/memory-exchange.ts";
import { standalone } from "../standalone/standalone.ts";
import { createMemoryStore } from "../storage/memory/memory-store.ts";
import type { Answer } from "./fixture.ts";

const admin = "admin,system:masters";

export interface Cluster {
  /** @param request.user `name,group,group`; the empty string sends none */
  send(request: MemoryRequest & { user?: string }): Promise<Answer>;
  /** Server-side apply as an administrator. @throws Error with the answer when it is refused */
  apply(path: string, object: JsonObject): Promise<JsonObject>;
  stop(): Promise<void>;
}

export async function cluster(): Promise<Cluster> {
  const stopping = new AbortController();
  const store = createMemoryStore();
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const server = await standalone({
    store,
    log: createLogger({ component: "test", level: "silent" }),
    signal: stopping.signal,
    serviceAccountKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    caPem: "-----BEGIN CERTIFICATE-----\n",
    authenticators: [
      (exchange) => {
        const [name, ...groups] = exchange.header("x-user")?.split(",") ?? [];
        return name === undefined ? undefined : { name, groups };
      },
    ],
  });
  const send: Cluster["send"] = async ({ user = admin, ...request }) => {
    const headers = user === "" ? request.headers : { "x-user": user, ...request.headers };
    const exchange = await server.inject({ ...request, ...(headers !== undefined && { headers }) });
    const text = exchange.body.toString("utf8");
    const json = parse(text);
    return { status: exchange.status, headers: exchange.responseHeaders as Answer["headers"], text, json };
  };
  return {
    send,
    apply: async (path, object) => {
      const url = `${path}/${(object["metadata"] as { name: string }).name}?fieldManager=test&force=true`;
      const headers = { "content-type": "application/apply-patch+yaml" };
      const { status, json } = await send({ method: "PATCH", url, headers, body: object });
      if (status >= 400) throw new Error(`cannot apply: ${JSON.stringify(json)}`);
      return json;
    },
    stop: async () => {
      stopping.abort();
      await store.close();
    },
  };
}

export const mergePatch = { "content-type": "application/merge-patch+json" };

/** Nothing for what is no JSON: text, YAML, compressed, the frames of a watch. */
function parse(text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return {};
  }
}
