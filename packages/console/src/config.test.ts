import { expect, test } from "@jest/globals";
import { isLoopback, readConfig } from "./config.ts";

const minimal = { KRATE_API_URL: "https://api.test:6443/" };

test("everything but the API server has a default", () => {
  expect(readConfig({ ...minimal, KRATE_CONSOLE_HOME: "/var/lib/console" })).toEqual({
    api: { url: "https://api.test:6443", caFile: undefined },
    gitUrl: "http://127.0.0.1:7081",
    listen: { host: "127.0.0.1", port: 7080 },
    healthAddress: { host: "127.0.0.1", port: 0 },
    keyFile: "/var/lib/console/session.key",
    autoLoginTokenFile: undefined,
  });
});

test.each([
  { env: {}, says: /KRATE_API_URL is required/, reason: "no API server" },
  { env: { KRATE_API_URL: "api.test" }, says: /must be an http or https URL/, reason: "no URL" },
  { env: { ...minimal, PORT: "99999" }, says: /PORT is "99999"/, reason: "no port" },
  { env: { ...minimal, KRATE_HEALTH_ADDRESS: "7080" }, says: /host:port/, reason: "no address" },
  {
    env: { ...minimal, HOSTNAME: "0.0.0.0", KRATE_CONSOLE_AUTO_LOGIN_TOKEN_FILE: "/token" },
    says: /Listen on 127\.0\.0\.1/,
    reason: "everybody would be signed in",
  },
])("refused: $reason", ({ env, says }) => {
  expect(() => readConfig(env)).toThrow(says);
});

test.each([
  { host: "localhost", loopback: true, reason: "the name" },
  { host: "127.0.0.53", loopback: true, reason: "all of 127/8" },
  { host: "[::1]", loopback: true, reason: "IPv6 as in a URL" },
  { host: "127.0.0.1.evil.test", loopback: false, reason: "a name that only starts so" },
  { host: "0.0.0.0", loopback: false, reason: "every address" },
])("$host is loopback: $loopback ($reason)", ({ host, loopback }) => {
  expect(isLoopback(host)).toBe(loopback);
});
