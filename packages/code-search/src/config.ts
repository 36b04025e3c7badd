/** The environment of code-search. */
import { readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import { type Environment, type ProgramConfig, readAddress, readProgramConfig } from "@krate/controller";

export interface SearchConfig {
  program: ProgramConfig;
  /** Folder of index and mirrors; everything in it can be made again. */
  home: string;
  address: { host: string; port: number };
  tls: { cert: string; key: string } | undefined;
  gitUrl: string;
  gitCaFile: string | undefined;
  /** Absent: the embedded index. */
  zoekt: { url: string; indexCommand: string; indexFolder: string } | undefined;
}

/**
 * | variable | meaning | default |
 * |---|---|---|
 * | KRATE_SEARCH_HOME | folder of index and mirrors | required |
 * | KRATE_SEARCH_ADDRESS | host:port of `/search` | 127.0.0.1:7083 |
 * | KRATE_SEARCH_TLS_CERT_FILE, KRATE_SEARCH_TLS_KEY_FILE | PEM files; both or none | plain HTTP |
 * | KRATE_GIT_URL, KRATE_GIT_CA_FILE | git-gateway, and the CA behind an https URL | http://127.0.0.1:7081 |
 * | KRATE_SEARCH_ENGINE | `embedded` or `zoekt` | embedded |
 * | KRATE_ZOEKT_URL | zoekt-webserver on KRATE_ZOEKT_INDEX_FOLDER; it checks nobody, so only code-search may reach it | http://127.0.0.1:6070 |
 * | KRATE_ZOEKT_INDEX_FOLDER | where its shards are | `zoekt` in KRATE_SEARCH_HOME |
 * | KRATE_ZOEKT_INDEX_COMMAND | program that indexes a repository | zoekt-git-index |
 *
 * Every replica has an index of its own, so there is no leader.
 * @throws Error that names the variable and what it must be
 */
export function readConfig(env: Environment): SearchConfig {
  const home = env.KRATE_SEARCH_HOME;
  if (!home || !isAbsolute(home))
    throw new Error("KRATE_SEARCH_HOME must be the absolute path of a folder for the index");
  return Object.freeze({
    program: { ...readProgramConfig(env), leaderElection: false },
    home,
    address: readAddress(env, "KRATE_SEARCH_ADDRESS", "127.0.0.1:7083"),
    tls: tlsOf(env.KRATE_SEARCH_TLS_CERT_FILE, env.KRATE_SEARCH_TLS_KEY_FILE),
    gitUrl: (env.KRATE_GIT_URL || "http://127.0.0.1:7081").replace(/\/+$/, ""),
    gitCaFile: env.KRATE_GIT_CA_FILE || undefined,
    zoekt: zoektOf(env, home),
  });
}

function zoektOf(env: Environment, home: string): SearchConfig["zoekt"] {
  const engine = env.KRATE_SEARCH_ENGINE || "embedded";
  if (engine === "embedded") return undefined;
  if (engine !== "zoekt") throw new Error(`KRATE_SEARCH_ENGINE is "${engine}": must be embedded or zoekt`);
  return {
    url: (env.KRATE_ZOEKT_URL || "http://127.0.0.1:6070").replace(/\/+$/, ""),
    indexFolder: env.KRATE_ZOEKT_INDEX_FOLDER || `${home}/zoekt`,
    indexCommand: env.KRATE_ZOEKT_INDEX_COMMAND || "zoekt-git-index",
  };
}

function tlsOf(certFile: string | undefined, keyFile: string | undefined): SearchConfig["tls"] {
  if (!certFile && !keyFile) return undefined;
  if (!certFile || !keyFile)
    throw new Error("KRATE_SEARCH_TLS_CERT_FILE and KRATE_SEARCH_TLS_KEY_FILE must both be set, or neither");
  return { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
}
