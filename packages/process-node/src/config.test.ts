import { expect, test } from "@jest/globals";
import { readConfig } from "./config.ts";

const complete = {
  KRATE_NODE_ROOT: "/var/lib/krate-node",
  KRATE_NODE_TLS_CERT_FILE: "/pki/node.crt",
  KRATE_NODE_TLS_KEY_FILE: "/pki/node.key",
  KRATE_NODE_CLIENT_CA_FILE: "/pki/ca.crt",
};

test("what is not set has a default", () => {
  expect(readConfig(complete)).toMatchObject({
    nodeName: "krate-process-node",
    root: "/var/lib/krate-node",
    address: { host: "127.0.0.1", port: 0 },
    maxPods: 16,
    binFolder: undefined,
    leaderElection: false,
  });
});

test.each([
  ...Object.keys(complete).map((name) => ({ name, value: "", reason: "nothing is served or kept without it" })),
  { name: "KRATE_NODE_NAME", value: "Not A Label", reason: "it becomes the name of an object and a label value" },
  { name: "KRATE_NODE_MAX_PODS", value: "0", reason: "a node for no Pods is a mistake" },
  { name: "KRATE_NODE_ADDRESS", value: "10250", reason: "a port alone says not where to listen" },
])("$name = $value is refused by name: $reason", ({ name, value }) => {
  expect(() => readConfig({ ...complete, [name]: value })).toThrow(name);
});
