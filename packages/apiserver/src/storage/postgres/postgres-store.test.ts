import { jest } from "@jest/globals";
import { startTestPostgres } from "@krate/postgres/testing";
import { storeConformance } from "../conformance.ts";
import { conformanceOver } from "./testing.ts";

jest.setTimeout(30_000); // restarts of a real server

storeConformance(
  "Postgres",
  conformanceOver(() => startTestPostgres()),
);
