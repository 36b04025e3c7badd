/** Which addresses a webhook may be posted to: public unicast ones, and networks the platform lists. Pure. */
import ipaddr from "ipaddr.js";

export type Network = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** `10.0.0.0/8, fd00::/8`. @throws Error that names the part that is not a CIDR */
export function parseNetworks(text: string): Network[] {
  const parts = text.split(",").map((part) => part.trim());
  return parts
    .filter((part) => part !== "")
    .map((part) => {
      try {
        return ipaddr.parseCIDR(part);
      } catch (error) {
        throw new Error(`KRATE_WEBHOOK_ALLOWED_NETWORKS contains "${part}": must be a CIDR such as 10.0.0.0/8`, {
          cause: error,
        });
      }
    });
}

/**
 * Everything that is not public unicast is private here: loopback, link-local (cloud metadata), RFC 1918, carrier NAT,
 * multicast, and IPv6 forms that carry an IPv4 address (mapped, 6to4, Teredo, NAT64), which are judged by what they carry.
 */
export function isAllowedAddress(address: string, allowed: readonly Network[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address); // ::ffff:10.0.0.1 becomes 10.0.0.1
  const listed = allowed.some(
    ([network, bits]) => parsed.kind() === network.kind() && parsed.match([network, bits] as never),
  );
  return listed || parsed.range() === "unicast";
}
