import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { lfsMediaType } from "../lfs/protocol.ts";
import { GatewayFixture } from "./gateway-fixture.ts";

export interface LfsAnswer {
  status: number;
  body: unknown;
  headers: Headers;
}

export interface LfsRequest {
  method?: string;
  token?: string | null;
  body?: unknown;
  raw?: Uint8Array;
  headers?: Record<string, string>;
  repository?: string;
}

/** A gateway with small limits, and requests to the Git LFS API of one repository after the other. */
export class LfsApiFixture {
  readonly gateway: GatewayFixture;
  /** The repository under test: alice may use it, bob may read it, carol may not. */
  name = "";
  #count = 0;

  private constructor(gateway: GatewayFixture) {
    this.gateway = gateway;
    gateway.cluster.addUser("bob-token", "bob");
    gateway.cluster.addUser("carol-token", "carol");
  }

  static async start(): Promise<LfsApiFixture> {
    return new LfsApiFixture(
      await GatewayFixture.start(
        {},
        { lfsRequestsPerRepository: 4 },
        { maxObjectBytes: 1_000_000, maxBatchBytes: 1_500_000, maxBatchObjects: 200 },
      ),
    );
  }

  async nextRepository(): Promise<void> {
    this.name = `lfs-${++this.#count}`;
    await this.gateway.createRepository(this.name);
    this.gateway.cluster.grant("bob", "get", "content", "acme", this.name);
  }

  async call(path: string, request: LfsRequest = {}): Promise<LfsAnswer> {
    const { method, token = "alice-token", body, raw, headers, repository = this.name } = request;
    const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(`${this.gateway.origin}/acme/${repository}.git/info/lfs/${path}`, {
      method: method ?? (payload === undefined ? "GET" : "POST"),
      headers: {
        accept: lfsMediaType,
        ...(payload !== undefined && { "content-type": lfsMediaType }),
        ...(token !== null && { authorization: `Basic ${Buffer.from(`any:${token}`).toString("base64")}` }),
        ...headers,
      },
      ...(payload !== undefined && { body: payload as string }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type") === lfsMediaType;
    return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
  }

  batch(operation: string, objects: unknown, more: LfsRequest = {}): Promise<LfsAnswer> {
    return this.call("objects/batch", { body: { operation, transfers: ["basic"], objects }, ...more });
  }

  put({ oid, content }: { oid: string; content: Buffer }, more: LfsRequest = {}): Promise<LfsAnswer> {
    const headers = { "content-type": "application/octet-stream" };
    return this.call(`objects/${oid}?size=${content.length}`, { method: "PUT", raw: content, headers, ...more });
  }

  /** What the repository keeps for Git LFS on disk, as names of files. */
  async files(): Promise<string[]> {
    const root = join(this.gateway.backend.gitDir({ namespace: "acme", name: this.name }), "krate/lfs");
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
    return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  }
}
