import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createSshKey, formatSshPublicKey, verifySshCertificate } from "@krate/pki/ssh";
import { createLogger } from "@krate/telemetry";
import { SshCertificates } from "../ssh/certificates.ts";
import { GatewayFixture } from "../testing/gateway-fixture.ts";
import { createGatewayServer, type GatewayServer } from "./server.ts";

const authority = createSshKey("authority");
const host = createSshKey("host");
const person = createSshKey("ada");
const now = new Date("2026-01-01T08:00:00Z");

describe("POST /-/ssh/certificate", () => {
  let fixture: GatewayFixture;
  let server: GatewayServer;
  let without: GatewayServer;
  let url: string;
  let urlWithout: string;

  beforeAll(async () => {
    fixture = await GatewayFixture.start();
    const options = {
      access: fixture.cluster.access,
      git: fixture.services,
      content: fixture.content,
      log: createLogger({ component: "certificate-test", level: "fatal" }),
    };
    const certificates = new SshCertificates(authority, () => now);
    const sshUrl = "ssh://git@git.example:7022";
    server = createGatewayServer({ ...options, certificates: { certificates, sshUrl, hostKey: host.blob } });
    without = createGatewayServer(options);
    const address = { host: "127.0.0.1", port: 0 };
    url = `http://127.0.0.1:${await server.listen(address)}/-/ssh/certificate`;
    urlWithout = `http://127.0.0.1:${await without.listen(address)}/-/ssh/certificate`;
    const identity = fixture.cluster.addUser("ada-token", "ada", ["krate:developers"]);
    fixture.cluster.tokens.set("job-token", { ...identity, jobScope: { organization: "acme", repository: "web" } });
  });
  afterAll(async () => {
    await Promise.all([server.close(0), without.close(0)]);
    await fixture.stop();
  });

  const post = async (token: string | undefined, body: unknown, to = url) => {
    const response = await fetch(to, {
      method: "POST",
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, string> };
  };
  const publicKey = formatSshPublicKey(person.blob, "ada@laptop");
  const blobOf = (line = "") => Buffer.from(line.split(" ")[1] ?? "", "base64");

  test("certifies the key for the person of the token, for 16 hours", async () => {
    const { status, body } = await post("ada-token", { publicKey });
    const { certificate, ...rest } = body;
    expect({ status, ...rest }).toEqual({
      status: 200,
      user: "ada",
      expiresAt: "2026-01-02T00:00:00.000Z",
      sshUrl: "ssh://git@git.example:7022",
      hostKey: formatSshPublicKey(host.blob),
    });
    expect(verifySshCertificate(blobOf(certificate), authority.blob)).toMatchObject({
      key: person.blob,
      user: "ada",
      groups: ["krate:developers", "system:authenticated"],
      validAfter: new Date("2026-01-01T07:55:00Z"),
      validBefore: new Date("2026-01-02T00:00:00Z"),
    });
  });

  test("on a ServiceAccount's token it ends with the token", async () => {
    const claims = Buffer.from(JSON.stringify({ exp: now.getTime() / 1000 + 600 })).toString("base64url");
    const user = "system:serviceaccount:acme:bot";
    fixture.cluster.tokens.set(`e30.${claims}.x`, { user, groups: ["system:serviceaccounts"] });
    const { body } = await post(`e30.${claims}.x`, { publicKey });
    expect(body).toMatchObject({ user, expiresAt: "2026-01-01T08:10:00.000Z" });
  });

  const rsa = formatSshPublicKey(Buffer.concat([Buffer.from([0, 0, 0, 7]), Buffer.from("ssh-rsa")]));
  test.each([
    { reason: "no token", token: undefined, body: { publicKey }, status: 401, message: /for a valid Kubernetes token/ },
    {
      reason: "a token nobody knows",
      token: "x",
      body: { publicKey },
      status: 401,
      message: /for a valid Kubernetes token/,
    },
    { reason: "a job's token", token: "job-token", body: { publicKey }, status: 403, message: /a job token gets no/ },
    { reason: "no JSON", token: "ada-token", body: "ssh-ed25519", status: 400, message: /not JSON/ },
    { reason: "no key", token: "ada-token", body: {}, status: 400, message: /the body must be/ },
    { reason: "null", token: "ada-token", body: "null", status: 400, message: /the body must be/ },
    {
      reason: "no public key",
      token: "ada-token",
      body: { publicKey: "hello" },
      status: 400,
      message: /publicKey: the key is malformed/,
    },
    {
      reason: "another type of key",
      token: "ada-token",
      body: { publicKey: rsa },
      status: 400,
      message: /publicKey: .*ssh-keygen -t ed25519/,
    },
    {
      reason: "too much",
      token: "ada-token",
      body: { publicKey: "x".repeat(20_000) },
      status: 413,
      message: /larger than/,
    },
  ])("refused: $reason", async ({ token, body, status, message }) => {
    expect(await post(token, body)).toEqual({
      status,
      body: expect.objectContaining({ kind: "Status", code: status, message: expect.stringMatching(message) }),
    });
  });

  test("a gateway without an authority, and another method, say so", async () => {
    expect(await post("ada-token", { publicKey }, urlWithout)).toMatchObject({
      status: 404,
      body: { message: "this gateway issues no SSH certificates: it has no KRATE_SSH_CA_KEY_FILE" },
    });
    expect((await fetch(url)).status).toBe(405);
  });
});
