import { describe, expect, it } from "@jest/globals";
import { isAllowedAddress, parseNetworks } from "./addresses.ts";
import { checkEndpoint } from "./check-endpoint.ts";

describe("isAllowedAddress", () => {
  it.each([
    ["93.184.216.34", true, "public"],
    ["2606:2800:220:1::1", true, "public"],
    ["127.0.0.1", false, "loopback"],
    ["::1", false, "loopback"],
    ["10.1.2.3", false, "private"],
    ["172.16.0.1", false, "private"],
    ["192.168.1.1", false, "private"],
    ["169.254.169.254", false, "cloud metadata"],
    ["fe80::1", false, "link-local"],
    ["fd00::1", false, "unique local"],
    ["100.64.0.1", false, "carrier NAT"],
    ["0.0.0.0", false, "this host"],
    ["::", false, "this host"],
    ["224.0.0.1", false, "multicast"],
    ["255.255.255.255", false, "broadcast"],
    ["::ffff:10.0.0.1", false, "private, mapped"],
    ["64:ff9b::a00:1", false, "private, through NAT64"],
    ["2002:a00:1::", false, "private, through 6to4"],
    ["not an address", false, "nothing"],
  ])("%s is %s (%s)", (address, expected, _reason) => {
    expect(isAllowedAddress(address, [])).toBe(expected);
  });

  it("allows listed networks and nothing beside them", () => {
    const allowed = parseNetworks("127.0.0.0/8, fd00::/8");
    expect(["127.0.0.1", "::ffff:127.0.0.1", "fd12::1"].map((address) => isAllowedAddress(address, allowed))).toEqual([
      true,
      true,
      true,
    ]);
    expect(["10.0.0.1", "::1"].map((address) => isAllowedAddress(address, allowed))).toEqual([false, false]);
    expect(() => parseNetworks("127.0.0.1")).toThrow('contains "127.0.0.1": must be a CIDR');
  });
});

describe("checkEndpoint", () => {
  const resolve = async (hostname: string) => {
    const known: Record<string, string[]> = {
      "good.example": ["93.184.216.34"],
      "mixed.example": ["93.184.216.34", "10.0.0.1"],
    };
    if (!known[hostname]) throw Object.assign(new Error("no"), { code: "ENOTFOUND" });
    return known[hostname].map((address) => ({ address }));
  };
  it.each([
    ["https://good.example/", false, "Allowed"],
    ["http://good.example/", false, "InvalidUrl"],
    ["http://good.example/", true, "Allowed"],
    ["ftp://good.example/", true, "InvalidUrl"],
    ["https://mixed.example/", false, "PrivateAddressDenied"],
    ["https://nowhere.example/", false, "Unresolvable"],
    ["nonsense", false, "InvalidUrl"],
  ])("%s (insecure %s) is %s", async (url, allowInsecure, expected) => {
    const verdict = await checkEndpoint(url, { allowInsecure, allowedNetworks: [], resolve });
    expect(verdict.allowed ? "Allowed" : verdict.reason).toBe(expected);
  });
});
