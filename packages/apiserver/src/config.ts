/** All environment of the API server, read once. README.md has the table. */
import { readFileSync } from "node:fs";
import type { PostgresConnection } from "@krate/postgres";

export interface TlsFiles {
  certFile: string;
  keyFile: string;
}

/** How long the past can be watched and paged through. Undefined: the storage's default. */
export interface HistorySettings {
  readonly maxAgeSeconds: number | undefined;
  readonly maxRevisions: number | undefined;
}

/** Files and switches of the audit; see `audit/auditor.ts`. */
export interface AuditSettings {
  readonly policyFile: string | undefined;
  /** A file, or `-` for standard output. Undefined: the program's own log. */
  readonly logPath: string | undefined;
  readonly records: boolean;
}

export interface Config {
  readonly mode: "standalone" | "aggregated";
  readonly address: { host: string; port: number };
  readonly healthAddress: { host: string; port: number } | undefined;
  readonly tls: TlsFiles;
  readonly caFile: string | undefined;
  readonly clientCaFile: string | undefined;
  readonly tokenAuthFile: string | undefined;
  readonly serviceAccountKeyFile: string | undefined;
  readonly kubelet: { certFile: string; keyFile: string; caFile: string } | undefined;
  /** Undefined: everything is kept in memory and gone at the end. */
  readonly postgres: PostgresConnection | undefined;
  readonly history: HistorySettings;
  /** Days by plural, instead of what the kinds say. */
  readonly retentionDays: Readonly<Record<string, number>>;
  readonly audit: AuditSettings;
  /** Audiences a token of a direct caller must be for (aggregated). Empty: those of the cluster's API server. */
  readonly apiAudiences: readonly string[];
  readonly kubeconfigFile: string | undefined;
  readonly apiServiceExternalName: string | undefined;
  readonly namespace: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws Error naming the variable that is missing or wrong, and what is allowed */
export function readConfig(environment: Environment = process.env): Config {
  const mode = oneOf(environment, "KRATE_API_MODE", ["standalone", "aggregated"]);
  const standalone = mode === "standalone";
  return Object.freeze({
    mode,
    address: address(environment, "KRATE_API_ADDRESS", "127.0.0.1:0") as { host: string; port: number },
    healthAddress: address(environment, "KRATE_HEALTH_ADDRESS", undefined),
    tls: {
      certFile: required(environment, "KRATE_TLS_CERT_FILE"),
      keyFile: required(environment, "KRATE_TLS_KEY_FILE"),
    },
    caFile: optional(environment, "KRATE_CA_FILE"),
    clientCaFile: standalone ? optional(environment, "KRATE_CLIENT_CA_FILE") : undefined,
    tokenAuthFile: standalone ? optional(environment, "KRATE_TOKEN_AUTH_FILE") : undefined,
    serviceAccountKeyFile: standalone ? required(environment, "KRATE_SERVICE_ACCOUNT_KEY_FILE") : undefined,
    kubelet: standalone ? kubeletFiles(environment) : undefined,
    postgres: postgres(environment),
    history: {
      maxAgeSeconds: positiveInteger(environment, "KRATE_HISTORY_MAX_AGE_SECONDS"),
      maxRevisions: positiveInteger(environment, "KRATE_HISTORY_MAX_REVISIONS"),
    },
    retentionDays: retentionDays(environment),
    audit: {
      policyFile: optional(environment, "KRATE_AUDIT_POLICY_FILE"),
      logPath: optional(environment, "KRATE_AUDIT_LOG_PATH"),
      records: flag(environment, "KRATE_AUDIT_RECORDS"),
    },
    apiAudiences: (optional(environment, "KRATE_API_AUDIENCES") ?? "").split(",").filter((each) => each !== ""),
    kubeconfigFile: optional(environment, "KUBECONFIG"),
    apiServiceExternalName: optional(environment, "KRATE_APISERVICE_EXTERNAL_NAME"),
    namespace: optional(environment, "KRATE_NAMESPACE") ?? "krate-system",
  });
}

function optional(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === undefined || value === "" ? undefined : value;
}

function required(environment: Environment, name: string): string {
  const value = optional(environment, name);
  if (value === undefined) throw new Error(`${name} must be set`);
  return value;
}

/** `auditevents=30,gitevents=7`; 0 keeps for ever. */
function retentionDays(environment: Environment): Readonly<Record<string, number>> {
  const text = optional(environment, "KRATE_RETENTION_DAYS");
  const entries = (text ?? "").split(",").filter((each) => each !== "");
  return Object.fromEntries(
    entries.map((entry) => {
      const match = /^([a-z]+)=(\d{1,5})$/.exec(entry.trim());
      if (!match)
        throw new Error(`KRATE_RETENTION_DAYS has ${JSON.stringify(entry)}: must be like auditevents=30,gitevents=7`);
      return [match[1] as string, Number(match[2])];
    }),
  );
}

function positiveInteger(environment: Environment, name: string): number | undefined {
  const text = optional(environment, name);
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new Error(`${name} is ${JSON.stringify(text)}: must be a whole number from 1`);
  return Number(text);
}

/** @defaultValue true */
function flag(environment: Environment, name: string): boolean {
  const value = optional(environment, name) ?? "true";
  if (value === "true" || value === "false") return value === "true";
  throw new Error(`${name} is ${JSON.stringify(value)}: must be true or false`);
}

function oneOf<const T extends string>(environment: Environment, name: string, values: readonly T[]): T {
  const value = required(environment, name);
  if ((values as readonly string[]).includes(value)) return value as T;
  throw new Error(`${name} is ${JSON.stringify(value)}: must be ${values.join(" or ")}`);
}

function address(
  environment: Environment,
  name: string,
  fallback: string | undefined,
): { host: string; port: number } | undefined {
  const text = optional(environment, name) ?? fallback;
  if (text === undefined) return undefined;
  const match = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) throw new Error(`${name} is ${JSON.stringify(text)}: must be host:port`);
  return { host: match[1] as string, port };
}

function kubeletFiles(environment: Environment): Config["kubelet"] {
  const certFile = optional(environment, "KRATE_KUBELET_CLIENT_CERT_FILE");
  if (certFile === undefined) return undefined;
  return {
    certFile,
    keyFile: required(environment, "KRATE_KUBELET_CLIENT_KEY_FILE"),
    caFile: required(environment, "KRATE_KUBELET_CA_FILE"),
  };
}

function postgres(environment: Environment): PostgresConnection | undefined {
  const storage = optional(environment, "KRATE_STORAGE") ?? "postgres";
  if (storage === "memory") return undefined;
  if (storage !== "postgres")
    throw new Error(`KRATE_STORAGE is ${JSON.stringify(storage)}: must be postgres or memory`);
  const password = optional(environment, "KRATE_POSTGRES_PASSWORD");
  const port = Number(optional(environment, "KRATE_POSTGRES_PORT") ?? "5432");
  if (!Number.isInteger(port)) throw new Error("KRATE_POSTGRES_PORT must be a number");
  return {
    host: required(environment, "KRATE_POSTGRES_HOST"),
    port,
    user: optional(environment, "KRATE_POSTGRES_USER") ?? "krate",
    database: optional(environment, "KRATE_POSTGRES_DATABASE") ?? "krate",
    ...(password !== undefined && { password }),
  };
}

/** @throws Error naming the variable's file */
export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Error(`cannot read ${file}`, { cause });
  }
}
