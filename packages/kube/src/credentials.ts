/** Turns an `AuthInfo` into what a connection and a request carry, and keeps it fresh. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import { promisify } from "node:util";
import type { AuthInfo, ExecConfig, KubeConfig } from "./kube-config.ts";

/** Client certificate of a TLS connection. */
export interface TlsIdentity {
  cert?: Buffer | string;
  key?: Buffer | string;
}

export interface Credentials {
  /** Value of the Authorization header, if any. */
  authorization(): Promise<string | undefined>;
  tls(): Promise<TlsIdentity>;
  /** The server answered 401: forgets what is cached. False when asking again cannot help. */
  refresh(): boolean;
}

/** client-go re-reads a token file every minute; the kubelet rotates at 80 % of the life time. */
const tokenFileCacheSeconds = 10;
const execTimeoutSeconds = 60;

export function credentialsOf(config: KubeConfig): Credentials {
  const { auth } = config;
  if (auth.exec) return execCredentials(auth.exec, config);
  const tls = async () => ({
    ...(auth.clientCertificate && { cert: auth.clientCertificate }),
    ...(auth.clientKey && { key: auth.clientKey }),
  });
  if (auth.tokenFile) return { ...tokenFileCredentials(auth.tokenFile), tls };
  return { authorization: async () => staticAuthorization(auth), tls, refresh: () => false };
}

function staticAuthorization(auth: AuthInfo): string | undefined {
  if (auth.token) return `Bearer ${auth.token}`;
  if (auth.username !== undefined)
    return `Basic ${Buffer.from(`${auth.username}:${auth.password ?? ""}`).toString("base64")}`;
  return undefined;
}

function tokenFileCredentials(file: string): Pick<Credentials, "authorization" | "refresh"> {
  let cached: { value: string; readAt: number } | undefined;
  return {
    async authorization() {
      const now = performance.now();
      if (!cached || now - cached.readAt > tokenFileCacheSeconds * 1000) {
        cached = { value: `Bearer ${(await readFile(file, "utf8")).trim()}`, readAt: now };
      }
      return cached.value;
    },
    refresh() {
      cached = undefined;
      return true;
    },
  };
}

interface ExecStatus {
  token?: string;
  clientCertificateData?: string;
  clientKeyData?: string;
  expirationTimestamp?: string;
}

/** Source: k8s.io/client-go/plugin/pkg/client/auth/exec; the plugin runs again when its credential expires or is refused. */
function execCredentials(exec: ExecConfig, config: KubeConfig): Credentials {
  let current: Promise<ExecStatus> | undefined;
  let expiresAt = Number.POSITIVE_INFINITY;
  const status = async (): Promise<ExecStatus> => {
    if (Date.now() >= expiresAt) current = undefined;
    current ??= runPlugin(exec, config).catch((error: unknown) => {
      current = undefined;
      throw error;
    });
    const result = await current;
    expiresAt = result.expirationTimestamp ? Date.parse(result.expirationTimestamp) - 5_000 : Number.POSITIVE_INFINITY;
    return result;
  };
  return {
    async authorization() {
      const { token } = await status();
      return token ? `Bearer ${token}` : undefined;
    },
    async tls() {
      const { clientCertificateData: cert, clientKeyData: key } = await status();
      return { ...(cert && { cert }), ...(key && { key }) };
    },
    refresh() {
      current = undefined;
      return true;
    },
  };
}

async function runPlugin(exec: ExecConfig, config: KubeConfig): Promise<ExecStatus> {
  const info = {
    apiVersion: exec.apiVersion,
    kind: "ExecCredential",
    spec: {
      interactive: false,
      ...(exec.provideClusterInfo && {
        cluster: {
          server: config.server,
          ...(config.caBundle && { "certificate-authority-data": config.caBundle.toString("base64") }),
          ...(config.tlsServerName && { "tls-server-name": config.tlsServerName }),
        },
      }),
    },
  };
  const env: NodeJS.ProcessEnv = { ...process.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) };
  for (const { name, value } of exec.env) env[name] = value;
  const isPath = exec.command.includes("/");
  const command = isPath && !isAbsolute(exec.command) ? resolve(exec.baseFolder, exec.command) : exec.command;
  let answer: unknown;
  try {
    const { stdout } = await promisify(execFile)(command, exec.args, { env, timeout: execTimeoutSeconds * 1000 });
    answer = JSON.parse(stdout);
  } catch (error) {
    const hint = exec.installHint ? ` ${exec.installHint}` : "";
    throw new Error(`credential plugin "${exec.command}" failed.${hint}`, { cause: error });
  }
  const { kind, status } = answer as { kind?: unknown; status?: ExecStatus };
  if (kind !== "ExecCredential" || !status || (!status.token && !status.clientCertificateData)) {
    throw new Error(
      `credential plugin "${exec.command}" answered no ExecCredential with status.token or status.clientCertificateData`,
    );
  }
  return status;
}
