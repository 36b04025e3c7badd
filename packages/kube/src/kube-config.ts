/**
 * Reads a kubeconfig, or the ServiceAccount of the Pod we run in.
 * Ours and not client-node's KubeConfig, which costs 0.5 s and 80 MiB per process to import (docs/decisions/0102).
 * Source: k8s.io/client-go/tools/clientcmd/api/v1 types.go.
 */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, resolve } from "node:path";

/** How we prove who we are. Every part may be absent; later parts of this list win in `credentials.ts`. */
export interface AuthInfo {
  token?: string;
  /** Read again when it changes: projected tokens rotate. */
  tokenFile?: string;
  clientCertificate?: Buffer;
  clientKey?: Buffer;
  username?: string;
  password?: string;
  impersonate?: { user: string; groups?: string[]; uid?: string; extra?: Record<string, string[]> };
  exec?: ExecConfig;
}

/** A credential plugin (`aws eks get-token`, `kubelogin`, `krate token`). */
export interface ExecConfig {
  apiVersion: string;
  command: string;
  args: string[];
  env: { name: string; value: string }[];
  installHint?: string;
  provideClusterInfo: boolean;
  /** Folder a relative command is looked up in. */
  baseFolder: string;
}

/** One context, resolved. */
export interface KubeConfig {
  /** `https://host:port[/base]`, without a trailing slash. */
  server: string;
  caBundle?: Buffer;
  insecureSkipTlsVerify?: boolean;
  tlsServerName?: string;
  auth: AuthInfo;
  /** The context's namespace, or the Pod's. */
  namespace?: string;
}

const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * Resolves the current context of `path`, or of `$KUBECONFIG` (its first existing file), or the in-cluster
 * ServiceAccount, or `~/.kube/config`, in that order.
 * @throws Error that names the file and what is wrong in it
 */
export async function loadKubeConfig(path?: string, options: { context?: string } = {}): Promise<KubeConfig> {
  const candidates = path ? [path] : (process.env.KUBECONFIG ?? "").split(delimiter).filter((entry) => entry !== "");
  for (const candidate of candidates) {
    const text = await readIfExists(candidate);
    if (text !== undefined) return parseKubeConfig(text, { file: candidate, ...options });
  }
  if (candidates.length > 0) throw new Error(`cannot read kubeconfig: no such file: ${candidates.join(", ")}`);
  if (process.env.KUBERNETES_SERVICE_HOST) return inCluster();
  const home = resolve(homedir(), ".kube/config");
  const text = await readIfExists(home);
  if (text !== undefined) return parseKubeConfig(text, { file: home, ...options });
  throw new Error(
    `no API server is configured: set KUBECONFIG to a kubeconfig file, run inside a Pod, or create ${home}`,
  );
}

async function inCluster(): Promise<KubeConfig> {
  const host = process.env.KUBERNETES_SERVICE_HOST ?? "";
  const port = process.env.KUBERNETES_SERVICE_PORT ?? "443";
  const namespace = await readIfExists(`${serviceAccountFolder}/namespace`);
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    caBundle: await readFile(`${serviceAccountFolder}/ca.crt`),
    auth: { tokenFile: `${serviceAccountFolder}/token` },
    ...(namespace && { namespace: namespace.trim() }),
  };
}

async function readIfExists(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`cannot read kubeconfig ${file}`, { cause: error });
  }
}

type Fields = Record<string, unknown>;

/** Parses kubeconfig text; relative file names are relative to the folder of `file`. */
export async function parseKubeConfig(text: string, options: { file: string; context?: string }): Promise<KubeConfig> {
  const { file } = options;
  const fail = (what: string): never => {
    throw new Error(`invalid kubeconfig ${file}: ${what}`);
  };
  const document = fields(await parseYaml(text, file));
  const named = (list: string, name: string, key: string): Fields => {
    const entries = Array.isArray(document[list]) ? (document[list] as unknown[]).map(fields) : [];
    const found = entries.find((entry) => entry.name === name);
    return found ? fields(found[key]) : fail(`${list} has no entry named "${name}"`);
  };
  const contextName = options.context ?? string(document["current-context"]) ?? fail("current-context is not set");
  const context = named("contexts", contextName, "context");
  const cluster = named(
    "clusters",
    string(context.cluster) ?? fail(`context "${contextName}" names no cluster`),
    "cluster",
  );
  const userName = string(context.user);
  const user = userName === undefined ? {} : named("users", userName, "user");
  const server = string(cluster.server) ?? fail(`cluster "${String(context.cluster)}" has no server`);
  if (!URL.canParse(server)) fail(`server "${server}" is not a URL`);
  if (cluster["proxy-url"] !== undefined) fail("proxy-url is not supported: connect to the API server directly");
  const folder = dirname(resolve(file));
  const caBundle = await bytes(cluster, "certificate-authority", folder);
  const namespace = string(context.namespace);
  const tlsServerName = string(cluster["tls-server-name"]);
  return {
    server: server.replace(/\/+$/, ""),
    ...(caBundle && { caBundle }),
    ...(cluster["insecure-skip-tls-verify"] === true && { insecureSkipTlsVerify: true }),
    ...(tlsServerName && { tlsServerName }),
    auth: await authInfo(user, folder, fail),
    ...(namespace && { namespace }),
  };
}

async function authInfo(user: Fields, folder: string, fail: (what: string) => never): Promise<AuthInfo> {
  if (user["auth-provider"] !== undefined)
    fail("users[].user.auth-provider was removed from Kubernetes clients: use an exec plugin");
  const auth: AuthInfo = {};
  const token = string(user.token);
  const tokenFile = string(user.tokenFile);
  const username = string(user.username);
  const password = string(user.password);
  const certificate = await bytes(user, "client-certificate", folder);
  const key = await bytes(user, "client-key", folder);
  if (token) auth.token = token;
  if (tokenFile) auth.tokenFile = resolve(folder, tokenFile);
  if (username !== undefined) Object.assign(auth, { username, password: password ?? "" });
  if (certificate) auth.clientCertificate = certificate;
  if (key) auth.clientKey = key;
  const as = string(user.as);
  if (as) {
    auth.impersonate = { user: as };
    if (Array.isArray(user["as-groups"])) auth.impersonate.groups = user["as-groups"].map(String);
    if (string(user["as-uid"])) auth.impersonate.uid = String(user["as-uid"]);
    if (user["as-user-extra"]) auth.impersonate.extra = user["as-user-extra"] as Record<string, string[]>;
  }
  if (user.exec !== undefined) auth.exec = execConfig(fields(user.exec), folder, fail);
  return auth;
}

function execConfig(exec: Fields, folder: string, fail: (what: string) => never): ExecConfig {
  const installHint = string(exec.installHint);
  return {
    apiVersion: string(exec.apiVersion) ?? "client.authentication.k8s.io/v1",
    command: string(exec.command) ?? fail("users[].user.exec.command is required"),
    args: Array.isArray(exec.args) ? exec.args.map(String) : [],
    env: Array.isArray(exec.env)
      ? exec.env.map(fields).map((entry) => ({ name: String(entry.name), value: String(entry.value) }))
      : [],
    ...(installHint && { installHint }),
    provideClusterInfo: exec.provideClusterInfo === true,
    baseFolder: folder,
  };
}

/** `<key>-data` (base64) wins over `<key>` (a file), as in client-go. */
async function bytes(from: Fields, key: string, folder: string): Promise<Buffer | undefined> {
  const data = string(from[`${key}-data`]);
  if (data) return Buffer.from(data, "base64");
  const file = string(from[key]);
  return file ? readFile(resolve(folder, file)) : undefined;
}

/** JSON is tried first: the kubeconfigs we write ourselves are JSON, and `yaml` costs 28 ms to import. */
async function parseYaml(text: string, file: string): Promise<unknown> {
  try {
    if (text.trimStart().startsWith("{")) return JSON.parse(text);
    const { parse } = await import("yaml");
    return parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new Error(`invalid kubeconfig ${file}: ${(error as Error).message}`, { cause: error });
  }
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function string(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
