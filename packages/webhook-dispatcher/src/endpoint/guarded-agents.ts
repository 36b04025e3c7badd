/**
 * HTTP agents that judge an address at the moment of connecting: what was checked is what is connected to, whatever the
 * name server answers next (DNS rebinding).
 */
import { lookup as dnsLookup, type LookupOneOptions } from "node:dns";
import * as http from "node:http";
import * as https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { isAllowedAddress, type Network } from "./addresses.ts";

export interface GuardedAgents {
  http: http.Agent;
  https: https.Agent;
  /** Names that are addresses are never looked up: check them before. @throws AddressDenied */
  checkLiteral(hostname: string): void;
  destroy(): void;
}

export class AddressDenied extends Error {
  constructor(hostname: string, address: string) {
    super(`${hostname} is at ${address}, which is not an allowed address`);
    this.name = "AddressDenied";
  }
}

const keepAliveSeconds = 30;

export function guardedAgents(allowedNetworks: readonly Network[]): GuardedAgents {
  const lookup: LookupFunction = (hostname, options, callback) => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, "", 0);
      const denied = addresses.find(({ address }) => !isAllowedAddress(address, allowedNetworks));
      if (denied) return callback(new AddressDenied(hostname, denied.address), "", 0);
      if ((options as LookupOneOptions & { all?: boolean }).all) return callback(null, addresses as never);
      const [first] = addresses;
      callback(null, first?.address ?? "", first?.family ?? 0);
    });
  };
  const options = { keepAlive: true, timeout: keepAliveSeconds * 1000, maxSockets: 64, lookup };
  const agents = { http: new http.Agent(options), https: new https.Agent(options) };
  return {
    ...agents,
    checkLiteral(hostname) {
      const address = hostname.replace(/^\[|\]$/g, "");
      if (isIP(address) !== 0 && !isAllowedAddress(address, allowedNetworks))
        throw new AddressDenied(hostname, address);
    },
    destroy() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}
