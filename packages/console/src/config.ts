import { homedir } from "node:os";
import { join } from "node:path";

/** Everything the console reads from its environment, validated. */
export interface ConsoleConfig {
  /** The API server every page asks, as the signed-in user. */
  api: { url: string; caFile: string | undefined };
  /** The Git gateway, for files, history and diffs. */
  gitUrl: string;
  listen: { host: string; port: number };
  healthAddress: { host: string; port: number };
  /** 32 random bytes that seal session cookies; made when absent. */
  keyFile: string;
  /** File with the token of the user who is signed in without being asked; only on loopback. */
  autoLoginTokenFile: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the environment once.
 *
 * | variable | meaning | default |
 * |---|---|---|
 * | KRATE_API_URL | API server | required |
 * | KRATE_API_CA_FILE | PEM file of its CA | the system's |
 * | KRATE_GIT_URL | Git gateway | http://127.0.0.1:7081 |
 * | HOSTNAME, PORT | where to listen | 127.0.0.1, 7080 |
 * | KRATE_HEALTH_ADDRESS | host:port of /livez and /readyz | 127.0.0.1:0 |
 * | KRATE_CONSOLE_HOME | folder of the console's own files | ~/.krate/console |
 * | KRATE_CONSOLE_KEY_FILE | key of session cookies | session.key in that folder |
 * | KRATE_CONSOLE_AUTO_LOGIN_TOKEN_FILE | sign in as the owner of this token without asking; loopback only | off |
 *
 * @throws {Error} naming the variable that is wrong and what it must be.
 */
export function readConfig(env: Environment): ConsoleConfig {
  const listen = { host: env["HOSTNAME"] ?? "127.0.0.1", port: portOf(env, "PORT", 7080) };
  const autoLoginTokenFile = env["KRATE_CONSOLE_AUTO_LOGIN_TOKEN_FILE"] || undefined;
  if (autoLoginTokenFile && !isLoopback(listen.host)) {
    throw new Error(
      `KRATE_CONSOLE_AUTO_LOGIN_TOKEN_FILE is set while HOSTNAME is "${listen.host}": everybody who reaches the console would be ` +
        "that user. Listen on 127.0.0.1, or unset it",
    );
  }
  const home = env["KRATE_CONSOLE_HOME"] ?? join(homedir(), ".krate", "console");
  return {
    api: { url: urlOf(env, "KRATE_API_URL"), caFile: env["KRATE_API_CA_FILE"] || undefined },
    gitUrl: urlOf(env, "KRATE_GIT_URL", "http://127.0.0.1:7081"),
    listen,
    healthAddress: addressOf(env, "KRATE_HEALTH_ADDRESS", "127.0.0.1:0"),
    keyFile: env["KRATE_CONSOLE_KEY_FILE"] ?? join(home, "session.key"),
    autoLoginTokenFile,
  };
}

/** True for addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

function urlOf(env: Environment, name: string, fallback?: string): string {
  const text = env[name] ?? fallback;
  if (!text) throw new Error(`${name} is required: an http or https URL`);
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new Error(`${name} is "${text}": it must be an http or https URL`);
  return text.replace(/\/+$/, "");
}

function portOf(env: Environment, name: string, fallback: number): number {
  const text = env[name] ?? String(fallback);
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new Error(`${name} is "${text}": it must be a port number`);
  return port;
}

function addressOf(env: Environment, name: string, fallback: string): { host: string; port: number } {
  const text = env[name] ?? fallback;
  const match = /^(.+):(\d{1,5})$/.exec(text);
  if (!match || Number(match[2]) > 65_535)
    throw new Error(`${name} is "${text}": it must be host:port, such as ${fallback}`);
  return { host: (match[1] ?? "").replace(/^\[|\]$/g, ""), port: Number(match[2]) };
}
