/** The environment of process-node. */
import { resolve } from "node:path";
import { type Environment, type ProgramConfig, readAddress, readInteger, readProgramConfig } from "@krate/controller";

export interface NodeConfig extends ProgramConfig {
  nodeName: string;
  /** Absolute folder of everything the node keeps. */
  root: string;
  /** Where logs are served over HTTPS. */
  address: { host: string; port: number };
  tls: { certFile: string; keyFile: string; clientCaFile: string };
  /** A further folder on the PATH of containers. */
  binFolder: string | undefined;
  maxPods: number;
  /** Entry of the runner instead of the one beside this package. */
  runnerEntry: string | undefined;
}

/**
 * | variable | meaning | default |
 * |---|---|---|
 * | KRATE_NODE_ROOT | folder of Pods and of `bin/krate-runner` | required |
 * | KRATE_NODE_TLS_CERT_FILE, KRATE_NODE_TLS_KEY_FILE | serving certificate | required |
 * | KRATE_NODE_CLIENT_CA_FILE | CA of the clients that may read logs | required |
 * | KRATE_NODE_ADDRESS | `host:port` of logs | `127.0.0.1:0` (a free port) |
 * | KRATE_NODE_NAME | name of the Node | `krate-process-node` |
 * | KRATE_NODE_BIN | a further folder on the PATH of containers | none |
 * | KRATE_NODE_MAX_PODS | Pods at once | 16 |
 * | KRATE_RUNNER_ENTRY | program behind `krate-runner` | `packages/runner` |
 *
 * The node has one identity, so there is no leader election.
 * @throws Error that names the variable and what it must be
 */
export function readConfig(env: Environment): NodeConfig {
  return Object.freeze({
    ...readProgramConfig(env),
    leaderElection: false,
    nodeName: readNodeName(env),
    root: resolve(required(env, "KRATE_NODE_ROOT", "a folder for Pods")),
    address: readAddress(env, "KRATE_NODE_ADDRESS", "127.0.0.1:0"),
    tls: {
      certFile: required(env, "KRATE_NODE_TLS_CERT_FILE", "a PEM certificate"),
      keyFile: required(env, "KRATE_NODE_TLS_KEY_FILE", "its PEM key"),
      clientCaFile: required(env, "KRATE_NODE_CLIENT_CA_FILE", "the PEM CA of those who may read logs"),
    },
    binFolder: env.KRATE_NODE_BIN ? resolve(env.KRATE_NODE_BIN) : undefined,
    maxPods: readInteger(env, "KRATE_NODE_MAX_PODS", 16, { minimum: 1, maximum: 500 }),
    runnerEntry: env.KRATE_RUNNER_ENTRY ? resolve(env.KRATE_RUNNER_ENTRY) : undefined,
  });
}

function readNodeName(env: Environment): string {
  const name = env.KRATE_NODE_NAME || "krate-process-node";
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name))
    throw new Error(`KRATE_NODE_NAME is "${name}": must be a DNS label, such as krate-process-node`);
  return name;
}

function required(env: Environment, name: string, what: string): string {
  const value = env[name];
  if (!value) throw new Error(`${name} is not set: must name ${what}`);
  return value;
}
