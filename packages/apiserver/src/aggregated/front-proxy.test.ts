import { readFileSync } from "node:fs";
import { connect } from "node:http2";
import { request } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { JsonObject } from "@krate/apimachinery";
import { type Authority, certificateAuthority, issueCertificate } from "@krate/pki";
import { type TemporaryFolder, temporaryFolder } from "@krate/testing";
import { clientCertificate } from "../auth/client-certificate.ts";
import { type Listener, listen } from "../http/listen.ts";
import { fixture } from "../testing/fixture.ts";
import { frontProxy, readSettings } from "./front-proxy.ts";

// Keys are made and handshakes done: seconds on a busy machine.
jest.setTimeout(60_000);

type Identity = { cert: string; key: string };
type Headers = Record<string, string | string[]>;

let folder: TemporaryFolder;
let listener: Listener;
let proxyCa: Authority;
let clientCa: Authority;
let settings: ReturnType<typeof readSettings>;
const identities: Record<string, Identity> = {};

const hour = 3600 * 1000;
const pem = (file: string) => readFileSync(file, "utf8");

function configMap(data: Record<string, string> = {}): JsonObject {
  return {
    data: {
      "client-ca-file": pem(clientCa.certFile),
      "requestheader-client-ca-file": pem(proxyCa.certFile),
      "requestheader-allowed-names": '["front-proxy-client"]',
      "requestheader-username-headers": '["X-Remote-User"]',
      "requestheader-uid-headers": '["X-Remote-Uid"]',
      "requestheader-group-headers": '["X-Remote-Group"]',
      "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
      ...data,
    },
  };
}

beforeAll(async () => {
  folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  proxyCa = await certificateAuthority(at("proxy-ca"), "proxy-ca");
  clientCa = await certificateAuthority(at("client-ca"), "client-ca");
  const stranger = await certificateAuthority(at("stranger"), "proxy-ca"); // same name, other key
  const issue = async (
    ca: Authority,
    id: string,
    wanted: Omit<Parameters<typeof issueCertificate>[2], "name"> & { name?: string },
  ) => {
    const { certFile, keyFile } = await issueCertificate(ca, at(id), { name: "front-proxy-client", ...wanted });
    identities[id] = { cert: pem(certFile), key: pem(keyFile) };
  };
  const now = Date.now();
  await issue(proxyCa, "proxy", {});
  await issue(proxyCa, "another name of the CA", { name: "eve" });
  await issue(stranger, "a CA of the same name", {});
  await issue(proxyCa, "expired", {
    validity: { notBefore: new Date(now - 2 * hour), notAfter: new Date(now - hour) },
  });
  await issue(proxyCa, "future", { validity: { notBefore: new Date(now + hour), notAfter: new Date(now + 2 * hour) } });
  await issue(clientCa, "the proxy's name from the client CA", {});
  await issue(clientCa, "grace", { name: "grace", groups: ["dev"] });
  await issue(proxyCa, "intermediate", { name: "intermediate", authority: true });
  await issue(await certificateAuthority(at("intermediate"), ""), "proxy by an intermediate", {});
  await issue(await certificateAuthority(at("proxy"), ""), "issued by the proxy's own leaf", {});
  const append = (id: string, issuer: string) => {
    const { cert, key } = identities[id] as Identity;
    identities[id] = { cert: `${cert}${identities[issuer]?.cert}`, key };
  };
  append("proxy by an intermediate", "intermediate");
  append("issued by the proxy's own leaf", "proxy");
  settings = readSettings(configMap());
  const { server } = fixture({
    services: {
      authenticators: [
        frontProxy(() => settings),
        (exchange) => (settings.client === undefined ? undefined : clientCertificate(settings.client)(exchange)),
      ],
      routes: [
        {
          path: "/whoami",
          handle: (ctx) => {
            const body = Buffer.from(JSON.stringify(ctx.user));
            ctx.response = { kind: "bytes", status: 200, contentType: "application/json", body };
          },
        },
      ],
    },
  });
  const serving = await issueCertificate(clientCa, at("serving"), { name: "s", hosts: ["127.0.0.1"] });
  listener = await listen({
    port: 0,
    tls: { cert: pem(serving.certFile), key: pem(serving.keyFile), ca: settings.caPem },
    onRequest: server.handle,
  });
});
afterAll(async () => {
  await listener.close(0);
  await folder.remove();
});

interface Answer {
  status: number;
  user: unknown;
}

function overHttp1(headers: Headers, as?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { port } = listener;
    const target = { host: "127.0.0.1", port, path: "/whoami", agent: false, rejectUnauthorized: false };
    request({ ...target, headers, ...identities[as ?? ""] }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve(answer(response.statusCode ?? 0, body)));
    })
      .on("error", reject)
      .end();
  });
}

function overHttp2(headers: Headers, as?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const session = connect(`https://127.0.0.1:${listener.port}`, {
      rejectUnauthorized: false,
      ...identities[as ?? ""],
    });
    session.on("error", reject);
    const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    const stream = session.request({ ":path": "/whoami", ...lower });
    let status = 0;
    let body = "";
    stream.on("response", (head) => {
      status = Number(head[":status"]);
    });
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    stream.on("close", () => {
      session.close();
      resolve(answer(status, body));
    });
    stream.on("error", reject);
  });
}

const answer = (status: number, body: string): Answer => ({
  status,
  user: status === 200 ? JSON.parse(body) : undefined,
});

const anonymous = { name: "system:anonymous", groups: ["system:unauthenticated"] };
const spoofed: Headers = {
  "X-Remote-User": "admin",
  "x-remote-group": "system:masters",
  "X-REMOTE-UID": "0",
  "X-Remote-Extra-Scopes": "all",
  X_Remote_User: "admin",
  x_remote_group: "system:masters",
};
const grace = {
  name: "grace",
  groups: ["dev", "system:authenticated"],
  extra: { "authentication.kubernetes.io/credential-id": [expect.stringMatching(/^X509SHA256=[0-9a-f]{64}$/)] },
};

describe.each([
  { protocol: "HTTP/1.1", call: overHttp1 },
  { protocol: "HTTP/2", call: overHttp2 },
])("over $protocol", ({ call }) => {
  test("the proxy says who calls, names in any script and groups with commas whole", async () => {
    const bytes = Buffer.from("jürgen", "utf8").toString("latin1"); // as Go writes it on the wire
    const headers = {
      "X-Remote-User": bytes,
      "X-Remote-Uid": "7",
      "X-Remote-Group": ["dev", "a, b"],
      "X-Remote-Extra-example.com%2fscope": ["x", "y"],
    };
    expect(await call(headers, "proxy")).toEqual({
      status: 200,
      user: {
        name: "jürgen",
        uid: "7",
        groups: ["dev", "a, b", "system:authenticated"],
        extra: { "example.com/scope": ["x", "y"] },
      },
    });
  });

  test("headers in other spellings that a client sends through the proxy are not read", async () => {
    const headers = {
      "X-Remote-User": "bob",
      x_remote_user: "admin",
      X_Remote_Group: "system:masters",
      "X.Remote.Group": "system:masters",
      "X-Remote-Groups": "system:masters",
      "X-Remote-Extra": "all",
    };
    expect(await call(headers, "proxy")).toEqual({
      status: 200,
      user: { name: "bob", groups: ["system:authenticated"] },
    });
  });

  test("without a certificate the headers say nothing", async () => {
    expect(await call(spoofed)).toEqual({ status: 200, user: anonymous });
  });

  test("with a person's certificate they say nothing either", async () => {
    expect(await call(spoofed, "grace")).toEqual({ status: 200, user: grace });
  });

  test("a certificate of the client CA is never the proxy's, whatever its name", async () => {
    expect(await call(spoofed, "the proxy's name from the client CA")).toMatchObject({
      status: 200,
      user: { name: "front-proxy-client", groups: ["system:authenticated"] },
    });
  });

  test("the proxy's certificate without the headers is nobody", async () => {
    expect(await call({}, "proxy")).toEqual({ status: 401, user: undefined });
    expect(await call({ "X-Remote-User": "" }, "proxy")).toEqual({ status: 401, user: undefined });
  });

  test("a proxy whose certificate comes by an intermediate is the proxy once the intermediate is published", async () => {
    const before = settings;
    try {
      expect(await call(spoofed, "proxy by an intermediate")).toEqual({ status: 401, user: undefined });
      const published = `${identities["intermediate"]?.cert}${pem(proxyCa.certFile)}`;
      settings = readSettings(configMap({ "requestheader-client-ca-file": published }));
      const { user } = await call({ "X-Remote-User": "bob" }, "proxy by an intermediate");
      expect(user).toEqual({ name: "bob", groups: ["system:authenticated"] });
    } finally {
      settings = before;
    }
  });

  test.each(["another name of the CA", "a CA of the same name", "expired", "future", "issued by the proxy's own leaf"])(
    "not the proxy, and nobody else: %s",
    async (id) => {
      expect(await call(spoofed, id)).toEqual({ status: 401, user: undefined });
    },
  );
});

test("other header names and another CA hold from the next request on, also on connections that are open", async () => {
  const session = connect(`https://127.0.0.1:${listener.port}`, { rejectUnauthorized: false, ...identities["proxy"] });
  const call = (headers: Headers) =>
    new Promise<number>((resolve, reject) => {
      const stream = session.request({ ":path": "/whoami", ...headers });
      stream.on("error", reject).on("response", (head) => resolve(Number(head[":status"])));
      stream.resume();
    });
  const before = settings;
  try {
    expect(await call({ "x-remote-user": "a" })).toBe(200);
    settings = readSettings(configMap({ "requestheader-username-headers": '["X-Caller"]' }));
    expect(await call({ "x-remote-user": "a" })).toBe(401);
    expect(await call({ "x-caller": "a" })).toBe(200);
    settings = readSettings(configMap({ "requestheader-client-ca-file": pem(clientCa.certFile) }));
    expect(await call({ "x-remote-user": "a" })).toBe(401);
  } finally {
    settings = before;
    session.close();
  }
});

test("a header nobody told of is not read: its proxy would pass on a client's own", () => {
  expect(readSettings({ data: {} })).toMatchObject({
    requestHeader: undefined,
    usernameHeaders: [],
    uidHeaders: [],
    groupHeaders: [],
    extraPrefixes: [],
  });
});

const unusable = [
  { data: { "requestheader-allowed-names": "front-proxy-client" }, reason: "not JSON" },
  { data: { "requestheader-group-headers": '{"a":1}' }, reason: "not a list" },
  { data: { "requestheader-username-headers": "[1]" }, reason: "not strings" },
];
test.each(unusable)("unusable settings are refused whole: $reason", ({ data }) => {
  expect(() => readSettings(configMap(data as unknown as Record<string, string>))).toThrow(
    "of ConfigMap extension-apiserver-authentication must be a JSON list of strings",
  );
});
