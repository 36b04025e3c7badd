/** The environment of webhook-dispatcher. */
import { type Environment, type ProgramConfig, readInteger, readProgramConfig } from "@krate/controller";
import { type Network, parseNetworks } from "./endpoint/addresses.ts";

export interface DispatcherConfig extends ProgramConfig {
  /** Private networks a webhook may reach all the same. */
  allowedNetworks: Network[];
  /** Deliveries under way at once. */
  concurrency: number;
}

/**
 * | variable | meaning | default |
 * |---|---|---|
 * | KRATE_WEBHOOK_ALLOWED_NETWORKS | CIDRs that may be reached although private, comma separated | none |
 * | KRATE_WEBHOOK_CONCURRENCY | deliveries under way at once | 64 |
 *
 * @throws Error that names the variable and what it must be
 */
export function readConfig(env: Environment): DispatcherConfig {
  return {
    ...readProgramConfig(env),
    allowedNetworks: parseNetworks(env.KRATE_WEBHOOK_ALLOWED_NETWORKS ?? ""),
    concurrency: readInteger(env, "KRATE_WEBHOOK_CONCURRENCY", 64, { minimum: 1, maximum: 1000 }),
  };
}
