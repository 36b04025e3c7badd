import { expect, test } from "@jest/globals";
import { readConfig } from "./config.ts";

const standalone = {
  KRATE_API_MODE: "standalone",
  KRATE_TLS_CERT_FILE: "c",
  KRATE_TLS_KEY_FILE: "k",
  KRATE_SERVICE_ACCOUNT_KEY_FILE: "s",
  KRATE_POSTGRES_HOST: "/run/pg",
};

test("reads everything once, with defaults", () => {
  expect(readConfig({ ...standalone, KRATE_API_ADDRESS: "[::1]:7443", KRATE_POSTGRES_PASSWORD: "p" })).toMatchObject({
    mode: "standalone",
    address: { host: "::1", port: 7443 },
    healthAddress: undefined,
    postgres: { host: "/run/pg", port: 5432, user: "krate", database: "krate", password: "p" },
    namespace: "krate-system",
    audit: { policyFile: undefined, logPath: undefined, records: true },
    apiAudiences: [],
    history: { maxAgeSeconds: undefined, maxRevisions: undefined },
    retentionDays: {},
  });
  expect(readConfig({ ...standalone, KRATE_RETENTION_DAYS: "auditevents=30, issues=0" }).retentionDays).toEqual({
    auditevents: 30,
    issues: 0,
  });
});

const wrong = [
  { change: { KRATE_API_MODE: "cluster" }, says: 'KRATE_API_MODE is "cluster": must be standalone or aggregated' },
  { change: { KRATE_TLS_KEY_FILE: "" }, says: "KRATE_TLS_KEY_FILE must be set" },
  { change: { KRATE_API_ADDRESS: "7443" }, says: 'KRATE_API_ADDRESS is "7443": must be host:port' },
  { change: { KRATE_SERVICE_ACCOUNT_KEY_FILE: "" }, says: "KRATE_SERVICE_ACCOUNT_KEY_FILE must be set" },
  { change: { KRATE_STORAGE: "disk" }, says: 'KRATE_STORAGE is "disk": must be postgres or memory' },
  {
    change: { KRATE_HISTORY_MAX_AGE_SECONDS: "1h" },
    says: 'KRATE_HISTORY_MAX_AGE_SECONDS is "1h": must be a whole number from 1',
  },
  {
    change: { KRATE_RETENTION_DAYS: "auditevents=1y" },
    says: 'KRATE_RETENTION_DAYS has "auditevents=1y": must be like auditevents=30,gitevents=7',
  },
  { change: { KRATE_AUDIT_RECORDS: "yes" }, says: 'KRATE_AUDIT_RECORDS is "yes": must be true or false' },
  { change: { KRATE_KUBELET_CLIENT_CERT_FILE: "c" }, says: "KRATE_KUBELET_CLIENT_KEY_FILE must be set" },
];
test.each(wrong)("says what is wrong: $says", ({ change, says }) => {
  expect(() => readConfig({ ...standalone, ...change })).toThrow(says);
});
