import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { credentialsOf } from "./credentials.ts";
import { type KubeConfig, loadKubeConfig, parseKubeConfig } from "./kube-config.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kube-config-"));
});
afterAll(() => rm(folder, { recursive: true }));

const kubeconfig = (user: object, cluster: object = { server: "https://host:6443/" }) =>
  JSON.stringify({
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u", namespace: "org" } }],
    clusters: [{ name: "k", cluster }],
    users: [{ name: "u", user }],
  });
const parse = (text: string) => parseKubeConfig(text, { file: join(folder, "config") });

describe("parseKubeConfig", () => {
  it("resolves the current context, from YAML as from JSON", async () => {
    const yaml = [
      "current-context: c",
      "contexts: [{name: c, context: {cluster: k, user: u, namespace: org}}]",
      "clusters: [{name: k, cluster: {server: 'https://host:6443/'}}]",
      "users: [{name: u, user: {token: t}}]",
    ].join("\n");
    const expected = { server: "https://host:6443", namespace: "org", auth: { token: "t" } };
    expect(await parse(yaml)).toEqual(expected);
    expect(await parse(kubeconfig({ token: "t" }))).toEqual(expected);
  });

  it("reads files relative to the kubeconfig, and prefers inline data", async () => {
    await writeFile(join(folder, "ca.crt"), "from file");
    const data = Buffer.from("inline").toString("base64");
    const server = "https://host";
    const file = await parse(kubeconfig({}, { server, "certificate-authority": "ca.crt" }));
    expect(file.caBundle?.toString()).toBe("from file");
    const both = { server, "certificate-authority": "ca.crt", "certificate-authority-data": data };
    expect((await parse(kubeconfig({}, both))).caBundle?.toString()).toBe("inline");
  });

  it.each([
    ["{}", "current-context is not set"],
    [JSON.stringify({ "current-context": "x", contexts: [] }), 'contexts has no entry named "x"'],
    [kubeconfig({}, {}), 'cluster "k" has no server'],
    [kubeconfig({}, { server: "nonsense" }), 'server "nonsense" is not a URL'],
    [kubeconfig({}, { server: "https://h", "proxy-url": "http://p" }), "proxy-url is not supported"],
    [kubeconfig({ "auth-provider": { name: "gcp" } }), "use an exec plugin"],
    [kubeconfig({ exec: {} }), "exec.command is required"],
  ])("%s is refused: %s", async (text, message) => {
    await expect(parse(text)).rejects.toThrow(message);
    await expect(parse(text)).rejects.toThrow(join(folder, "config"));
  });

  it("says which file is missing", async () => {
    await expect(loadKubeConfig(join(folder, "none"))).rejects.toThrow("no such file");
  });
});

describe("credentialsOf", () => {
  const config = (auth: KubeConfig["auth"]): KubeConfig => ({ server: "https://h", auth });

  it("reads a token file again after a refusal", async () => {
    const tokenFile = join(folder, "token");
    await writeFile(tokenFile, "one\n");
    const credentials = credentialsOf(config({ tokenFile }));
    expect(await credentials.authorization()).toBe("Bearer one");
    await writeFile(tokenFile, "two\n");
    expect(await credentials.authorization()).toBe("Bearer one");
    expect(credentials.refresh()).toBe(true);
    expect(await credentials.authorization()).toBe("Bearer two");
  });

  it("runs a credential plugin once until its credential expires or is refused", async () => {
    const calls = join(folder, "calls");
    const plugin = join(folder, "plugin");
    await writeFile(
      plugin,
      `#!/bin/sh\necho x >> ${calls}\nn=$(wc -l < ${calls} | tr -d ' ')\n` +
        `echo "{\\"kind\\":\\"ExecCredential\\",\\"status\\":{\\"token\\":\\"t$n\\",\\"expirationTimestamp\\":\\"$EXPIRES\\"}}"\n`,
    );
    await chmod(plugin, 0o755);
    const exec = {
      apiVersion: "client.authentication.k8s.io/v1",
      command: "./plugin",
      args: [],
      provideClusterInfo: false,
      baseFolder: folder,
    };
    const later = credentialsOf(
      config({ exec: { ...exec, env: [{ name: "EXPIRES", value: "2999-01-01T00:00:00Z" }] } }),
    );
    expect([await later.authorization(), await later.authorization()]).toEqual(["Bearer t1", "Bearer t1"]);
    later.refresh();
    expect(await later.authorization()).toBe("Bearer t2");
    const past = credentialsOf(
      config({ exec: { ...exec, env: [{ name: "EXPIRES", value: "2001-01-01T00:00:00Z" }] } }),
    );
    expect([await past.authorization(), await past.authorization()]).toEqual(["Bearer t3", "Bearer t4"]);
  });

  it("a failing plugin says how to install it, and never what it printed", async () => {
    const exec = {
      apiVersion: "v1",
      command: "no-such-plugin",
      args: [],
      env: [],
      installHint: "Install it.",
      provideClusterInfo: false,
      baseFolder: folder,
    };
    await expect(credentialsOf(config({ exec })).authorization()).rejects.toThrow(
      'credential plugin "no-such-plugin" failed. Install it.',
    );
  });
});
