/** Pulling from a registry, spoken by hand: what a registry answers is written down in the distribution specification. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ociModules } from "./oci-modules.ts";

let server: Server;
let registry: string;
const requests: string[] = [];
const digest = `sha256:${"1".repeat(64)}`;

beforeAll(async () => {
  server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? "", "http://x");
    requests.push(`${pathname}${search} ${request.headers.authorization ?? ""}`.trim());
    if (pathname === "/token") response.end(JSON.stringify({ token: "t" }));
    else if (pathname.startsWith("/v2/private/") && request.headers.authorization !== "Bearer t") {
      const challenge = `Bearer realm="http://${registry}/token",service="test"`;
      response.writeHead(401, { "www-authenticate": challenge }).end();
    } else if (pathname.includes("/large/")) response.end(Buffer.alloc(5_000_000));
    else if (pathname.includes("/gone/")) response.writeHead(404).end();
    else if (pathname.includes("/moved/")) response.writeHead(307, { location: "/storage/x" }).end();
    else response.end("module");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  registry = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

const pull = async (name: string) => {
  requests.length = 0;
  const bytes = await ociModules({ registries: [registry] }).fetch("acme", { image: `${registry}/${name}`, digest });
  return Buffer.from(bytes).toString();
};

test("the module is the blob with its digest, whatever the tag", async () => {
  expect(await pull("hooks/issue:v1")).toBe("module");
  expect(requests).toEqual([`/v2/hooks/issue/blobs/${digest}`]);
});

test("a registry that wants a token gets an anonymous one, and one that redirects is followed", async () => {
  expect(await pull("private/issue")).toBe("module");
  expect(requests).toEqual([
    `/v2/private/issue/blobs/${digest}`,
    "/token?scope=repository%3Aprivate%2Fissue%3Apull&service=test",
    `/v2/private/issue/blobs/${digest} Bearer t`,
  ]);
  expect(await pull("moved/issue")).toBe("module");
});

test.each([
  ["gone/issue", "answered 404", "a module that is not there"],
  ["large/issue", "more than 4194304 bytes", "a module that is too large"],
  ["../x", "must be <registry>/<name>", "a name that is none"],
])("%s: %s (%s)", async (name, text, _reason) => {
  await expect(pull(name)).rejects.toThrow(text);
});

test("a registry nobody allowed is not asked", async () => {
  requests.length = 0;
  const none = ociModules({ registries: [] });
  await expect(none.fetch("acme", { image: `${registry}/x`, digest })).rejects.toThrow("KRATE_GIT_HOOK_REGISTRIES");
  expect(requests).toEqual([]);
});
