/** The oldest version that is promised; the embedded one is the newest. */
import { jest } from "@jest/globals";
import { installedPostgres, startTestPostgres } from "@krate/postgres/testing";
import { skipWithout } from "@krate/testing";
import { storeConformance } from "../conformance.ts";
import { conformanceOver } from "./testing.ts";

jest.setTimeout(30_000); // restarts of a real server

skipWithout("postgres-15")("Postgres 15", () => {
  const start = () => {
    const binaries = installedPostgres(15);
    return startTestPostgres(binaries ? { binaries } : {});
  };
  storeConformance("Postgres 15", conformanceOver(start));
});
