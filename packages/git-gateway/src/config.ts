import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { type BackendConfig, readBackendConfig } from "@krate/git";
import { type BucketsConfig, readBucketsConfig } from "./lfs/buckets-config.ts";
import type { LfsLimits } from "./lfs/protocol.ts";
import { defaultRequestLimits, type RequestLimitsOptions } from "./services/request-limits.ts";

/** Everything the gateway reads from its environment, validated. */
export interface GatewayConfig {
  kubeconfig: string | undefined;
  backend: BackendConfig;
  address: { host: string; port: number };
  healthAddress: { host: string; port: number };
  tls: { cert: string; key: string } | undefined;
  /** Absent: Git is served over HTTP only. */
  ssh: SshConfig | undefined;
  /** Namespace of Krate itself: where repository-operator's ServiceAccount lives. */
  platformNamespace: string;
  /** This process among all that enforce policies, as `status.applied[].backend` of a RefPolicy shows it. */
  gatewayName: string;
  /** OCI registries that WebAssembly hooks may come from. */
  hookRegistries: string[];
  maxPackBytes: number;
  maxObjectBytes: number;
  packTimeoutSeconds: number;
  maxRefs: number;
  requestLimits: RequestLimitsOptions;
  fetchTimeoutSeconds: number;
  /** This gateway over HTTP as clients reach it, without a slash at the end. */
  publicUrl: string;
  lfs: LfsConfig;
}

export interface LfsConfig {
  limits: LfsLimits;
  /** Absent: large files live beside their repository. */
  buckets: BucketsConfig | undefined;
}

export interface SshConfig {
  address: { host: string; port: number };
  /** `ssh://git@host:port`, as clients reach it. */
  url: string;
  /** Text of the private key's file. */
  hostKey: string;
  /** Text of the file of the key that signs certificates; absent: none are issued, none count. */
  authorityKey: string | undefined;
}

/**
 * Reads the environment once.
 *
 * | variable | meaning | default |
 * |---|---|---|
 * | KRATE_REPOSITORY_ROOT, KRATE_GIT_BACKEND, KRATE_GITEA_* | where repositories are: {@link readBackendConfig} | required |
 * | KRATE_GIT_ADDRESS | host:port to listen on | 127.0.0.1:7081 |
 * | KRATE_GIT_TLS_CERT_FILE, KRATE_GIT_TLS_KEY_FILE | PEM files; both or none | plain HTTP |
 * | KRATE_SSH_ADDRESS | host:port to serve Git over SSH on | no SSH |
 * | KRATE_SSH_HOST_KEY_FILE | host key, Ed25519, as ssh-keygen writes it | required for SSH |
 * | KRATE_SSH_CA_KEY_FILE | key that signs certificates of people, likewise | no certificates |
 * | KRATE_SSH_URL | where clients reach it | ssh://git@ and the address |
 * | KRATE_GIT_GATEWAY_NAME | this process in `status.applied` of RefPolicies; stable over restarts | host name |
 * | KRATE_GIT_HOOK_REGISTRIES | OCI registries (host or host:port, comma separated) hooks may come from | none |
 * | KRATE_GIT_MAX_PACK_BYTES | largest push | 2 GiB |
 * | KRATE_GIT_MAX_OBJECT_BYTES | largest single allocation git may make for a push | 512 MiB |
 * | KRATE_GIT_PACK_TIMEOUT_SECONDS | longest upload and check of one push | 900 |
 * | KRATE_GIT_MAX_REFS | refs a repository may hold | 100,000 |
 * | KRATE_GIT_MAX_FETCHES_PER_REPOSITORY | at once | 200 |
 * | KRATE_GIT_MAX_PUSHES_PER_REPOSITORY | at once | 32 |
 * | KRATE_GIT_MAX_REQUESTS_PER_NAMESPACE | fetches and pushes of all its repositories at once | 500 |
 * | KRATE_GIT_FETCH_TIMEOUT_SECONDS | longest fetch | 3600 |
 * | KRATE_GIT_URL | where clients reach it over HTTP: links of Git LFS begin with it | http(s):// and the address |
 * | KRATE_GIT_MAX_LFS_REQUESTS_PER_REPOSITORY | at once, each of them one large file | 64 |
 * | KRATE_LFS_MAX_OBJECT_BYTES | largest file; a bucket takes no more than 5 GiB either | 5 GiB |
 * | KRATE_LFS_MAX_BATCH_BYTES | bytes one batch may announce for upload | 100 GiB |
 * | KRATE_LFS_MAX_BATCH_OBJECTS | files one batch may name | 1000 |
 * | KRATE_LFS_BUCKETS_FILE | JSON that names S3 buckets, see lfs/buckets-config.ts | large files on disk |
 *
 * @throws {Error} naming the variable that is wrong and what it must be.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): GatewayConfig {
  return Object.freeze({
    kubeconfig: env.KUBECONFIG,
    backend: readBackendConfig(env),
    address: addressOf(env, "KRATE_GIT_ADDRESS", "127.0.0.1:7081"),
    healthAddress: addressOf(env, "KRATE_HEALTH_ADDRESS", "127.0.0.1:0"),
    tls: tlsOf(env.KRATE_GIT_TLS_CERT_FILE, env.KRATE_GIT_TLS_KEY_FILE),
    ssh: sshOf(env),
    platformNamespace: env.KRATE_NAMESPACE ?? "krate-system",
    gatewayName: env.KRATE_GIT_GATEWAY_NAME || hostname(),
    hookRegistries: (env.KRATE_GIT_HOOK_REGISTRIES ?? "")
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean),
    maxPackBytes: numberOf(env, "KRATE_GIT_MAX_PACK_BYTES", 2 * 1024 ** 3),
    maxObjectBytes: numberOf(env, "KRATE_GIT_MAX_OBJECT_BYTES", 512 * 1024 ** 2),
    packTimeoutSeconds: numberOf(env, "KRATE_GIT_PACK_TIMEOUT_SECONDS", 900),
    maxRefs: numberOf(env, "KRATE_GIT_MAX_REFS", 100_000),
    requestLimits: {
      fetchesPerRepository: numberOf(
        env,
        "KRATE_GIT_MAX_FETCHES_PER_REPOSITORY",
        defaultRequestLimits.fetchesPerRepository,
      ),
      pushesPerRepository: numberOf(
        env,
        "KRATE_GIT_MAX_PUSHES_PER_REPOSITORY",
        defaultRequestLimits.pushesPerRepository,
      ),
      lfsRequestsPerRepository: numberOf(
        env,
        "KRATE_GIT_MAX_LFS_REQUESTS_PER_REPOSITORY",
        defaultRequestLimits.lfsRequestsPerRepository,
      ),
      requestsPerNamespace: numberOf(
        env,
        "KRATE_GIT_MAX_REQUESTS_PER_NAMESPACE",
        defaultRequestLimits.requestsPerNamespace,
      ),
    },
    fetchTimeoutSeconds: numberOf(env, "KRATE_GIT_FETCH_TIMEOUT_SECONDS", 3600),
    publicUrl: publicUrlOf(env),
    lfs: {
      limits: {
        maxObjectBytes: numberOf(env, "KRATE_LFS_MAX_OBJECT_BYTES", 5 * 1024 ** 3),
        maxBatchBytes: numberOf(env, "KRATE_LFS_MAX_BATCH_BYTES", 100 * 1024 ** 3),
        maxBatchObjects: numberOf(env, "KRATE_LFS_MAX_BATCH_OBJECTS", 1000),
      },
      buckets: env.KRATE_LFS_BUCKETS_FILE
        ? readBucketsConfig(readFileSync(env.KRATE_LFS_BUCKETS_FILE, "utf8"))
        : undefined,
    },
  });
}

function publicUrlOf(env: Readonly<Record<string, string | undefined>>): string {
  const { host, port } = addressOf(env, "KRATE_GIT_ADDRESS", "127.0.0.1:7081");
  const scheme = env.KRATE_GIT_TLS_CERT_FILE ? "https" : "http";
  const url = env.KRATE_GIT_URL || `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
  if (!/^https?:\/\/[^/?#@]+[^?#]*$/.test(url))
    throw new Error(
      `KRATE_GIT_URL is ${JSON.stringify(url)}: it must be http(s)://host:port, such as http://127.0.0.1:7081`,
    );
  return url.replace(/\/+$/, "");
}

function sshOf(env: Readonly<Record<string, string | undefined>>): SshConfig | undefined {
  if (!env.KRATE_SSH_ADDRESS) return undefined;
  if (!env.KRATE_SSH_HOST_KEY_FILE)
    throw new Error("KRATE_SSH_HOST_KEY_FILE must name the host key when KRATE_SSH_ADDRESS is set");
  const address = addressOf(env, "KRATE_SSH_ADDRESS", "127.0.0.1:7022");
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return {
    address,
    url: (env.KRATE_SSH_URL || `ssh://git@${host}:${address.port}`).replace(/\/+$/, ""),
    hostKey: readFileSync(env.KRATE_SSH_HOST_KEY_FILE, "utf8"),
    authorityKey: env.KRATE_SSH_CA_KEY_FILE ? readFileSync(env.KRATE_SSH_CA_KEY_FILE, "utf8") : undefined,
  };
}

function addressOf(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  fallback: string,
): { host: string; port: number } {
  const text = env[name] ?? fallback;
  const match = /^(.+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > 65_535)
    throw new Error(`${name} is ${JSON.stringify(text)}: it must be host:port, such as ${fallback}`);
  return { host: (match[1] as string).replace(/^\[|\]$/g, ""), port };
}

function numberOf(env: Readonly<Record<string, string | undefined>>, name: string, fallback: number): number {
  const text = env[name];
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isSafeInteger(value) || value <= 0)
    throw new Error(`${name} is ${JSON.stringify(text)}: it must be a whole number above 0`);
  return value;
}

function tlsOf(certFile: string | undefined, keyFile: string | undefined): GatewayConfig["tls"] {
  if (!certFile && !keyFile) return undefined;
  if (!certFile || !keyFile)
    throw new Error("KRATE_GIT_TLS_CERT_FILE and KRATE_GIT_TLS_KEY_FILE must both be set, or neither");
  return { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
}
