/** Sends steps to one server and remembers its answers. Plain HTTPS, so that nothing is lost or mended on the way. */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { dig, isObject, type JsonObject, type JsonValue } from "@krate/apimachinery";
import { parse } from "yaml";
import type { Seen, Step } from "./step.ts";

export interface Answer {
  status: number;
  contentType: string;
  warnings: string[];
  /** Parsed when it is JSON. */
  body: unknown;
}

export interface Asker {
  ask(step: Step): Promise<Answer>;
  close(): void;
}

interface Kubeconfig {
  clusters: { cluster: Record<string, string> }[];
  users: { user: Record<string, string> }[];
}

/** @param kubeconfig a file whose first user has a client certificate */
export function askerOf(kubeconfig: string): Asker {
  const { clusters, users } = parse(readFileSync(kubeconfig, "utf8")) as Kubeconfig;
  const cluster = clusters[0]?.cluster ?? {};
  const user = users[0]?.user ?? {};
  const agent = new Agent({
    keepAlive: true,
    ca: pem(cluster, "certificate-authority"),
    cert: pem(user, "client-certificate"),
    key: pem(user, "client-key"),
  });
  const answers = new Map<string, JsonValue>();
  const text = (step: string, ...path: string[]): string => {
    const answer = answers.get(step);
    return String((answer === undefined ? undefined : dig(answer, "metadata", ...path)) ?? "");
  };
  const seen: Seen = {
    uid: (step) => text(step, "uid"),
    revision: (step) => text(step, "resourceVersion"),
    continue: (step) => text(step, "continue"),
  };
  return {
    ask: async (step) => {
      const answer = await send(String(cluster["server"]), agent, step, seen);
      if (isObject(answer.body as JsonValue)) answers.set(step.name, answer.body as JsonObject);
      return answer;
    },
    close: () => agent.destroy(),
  };
}

function pem(section: Record<string, string>, name: string): Buffer {
  const inline = section[`${name}-data`];
  return inline === undefined ? readFileSync(String(section[name])) : Buffer.from(inline, "base64");
}

function send(server: string, agent: Agent, step: Step, seen: Seen): Promise<Answer> {
  const { method = "GET", accept, contentType } = step;
  const path = typeof step.path === "function" ? step.path(seen) : step.path;
  const content = typeof step.body === "function" ? step.body(seen) : step.body;
  const body = content === undefined || typeof content === "string" ? content : JSON.stringify(content);
  const headers = {
    accept: accept ?? "application/json",
    "user-agent": "t",
    ...(body !== undefined && {
      "content-type": contentType ?? "application/json",
      "content-length": Buffer.byteLength(body),
    }),
  };
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, server), { method, agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        const type = response.headers["content-type"] ?? "";
        const warnings = response.headersDistinct["warning"] ?? [];
        resolve({ status: response.statusCode ?? 0, contentType: type, warnings, body: parsed(text, type, path) });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function parsed(text: string, contentType: string, path: string): unknown {
  if (contentType.startsWith("application/yaml")) return parse(text);
  if (path.includes("watch=1") && text.startsWith('{"type":')) {
    return text.split("\n").flatMap((line): unknown[] => (line === "" ? [] : [JSON.parse(line)]));
  }
  return contentType.startsWith("application/json") && text !== "" ? JSON.parse(text) : text;
}
