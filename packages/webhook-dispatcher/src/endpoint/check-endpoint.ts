/** Judges a webhook URL: by its form, and by every address its name resolves to. */
import { lookup } from "node:dns/promises";
import { isAllowedAddress, type Network } from "./addresses.ts";

export type EndpointVerdict =
  | { allowed: true }
  | { allowed: false; reason: "InvalidUrl" | "PrivateAddressDenied" | "Unresolvable"; message: string };

export type Resolve = (hostname: string) => Promise<{ address: string }[]>;

const resolveAll: Resolve = (hostname) => lookup(hostname, { all: true, verbatim: true });

/** One refused address refuses the name: which one a connection gets is not ours to choose. */
export async function checkEndpoint(
  url: string,
  options: { allowInsecure: boolean; allowedNetworks: readonly Network[]; resolve?: Resolve },
): Promise<EndpointVerdict> {
  if (!URL.canParse(url)) return { allowed: false, reason: "InvalidUrl", message: `"${url}" is not a URL` };
  const { protocol, hostname } = new URL(url);
  if (protocol !== "https:" && !(protocol === "http:" && options.allowInsecure))
    return { allowed: false, reason: "InvalidUrl", message: "the URL must be https, or http with allowInsecure" };
  let addresses: { address: string }[];
  try {
    addresses = await (options.resolve ?? resolveAll)(hostname.replace(/^\[|\]$/g, ""));
  } catch (error) {
    return {
      allowed: false,
      reason: "Unresolvable",
      message: `${hostname}: ${(error as NodeJS.ErrnoException).code ?? "no address"}`,
    };
  }
  const denied = addresses.filter(({ address }) => !isAllowedAddress(address, options.allowedNetworks));
  if (denied.length === 0) return { allowed: true };
  return {
    allowed: false,
    reason: "PrivateAddressDenied",
    message: `${hostname} is at ${denied.map(({ address }) => address).join(", ")}, which is not a public address; the platform may list its network in KRATE_WEBHOOK_ALLOWED_NETWORKS`,
  };
}
