import { describe, expect, test } from "@jest/globals";
import { ApiError } from "@krate/kinds";
import { isConnectionLost, translatePostgresError } from "./errors.ts";

const coded = (code: string, message = "driver text") => Object.assign(new Error(message), { code });

describe("translatePostgresError", () => {
  const cases = [
    { error: coded("23505"), as: "AlreadyExists", why: "a unique key is taken" },
    { error: coded("40001"), as: "ServiceUnavailable", why: "a serialization failure may be tried again" },
    { error: coded("53300"), as: "ServiceUnavailable", why: "no connection is left" },
    { error: coded("53200"), as: "ServiceUnavailable", why: "a class stands for its codes" },
    { error: coded("57014"), as: "Timeout", why: "the statement took too long" },
    { error: coded("57P03"), as: "ServiceUnavailable", why: "the server is starting" },
    { error: coded("25006"), as: "ServiceUnavailable", why: "a standby does not write" },
    { error: coded("22021"), as: "BadRequest", why: "NUL is no text" },
    { error: coded("54000"), as: "RequestEntityTooLarge", why: "an index entry is too long" },
    { error: coded("ECONNREFUSED"), as: "ServiceUnavailable", why: "nobody listens" },
    { error: coded("ENOENT"), as: "ServiceUnavailable", why: "the socket is not there" },
    {
      error: new Error("Connection terminated unexpectedly"),
      as: "ServiceUnavailable",
      why: "the driver gives no code",
    },
    { error: coded("42601"), as: "InternalError", why: "our own SQL is wrong" },
    { error: new TypeError("x is undefined"), as: "InternalError", why: "it is not from the database" },
  ];
  test.each(cases)("$as: $why", ({ error, as }) => {
    const translated = translatePostgresError(error);
    expect(translated.reason).toBe(as);
    expect(translated.cause).toBe(error);
    expect(translated.message).not.toContain("driver text");
  });

  test("leaves an ApiError alone", () => {
    const error = new ApiError("Conflict", "taken");
    expect(translatePostgresError(error)).toBe(error);
  });

  test.each(["57P01", "08006", "ECONNRESET", "EPIPE"])("%s means that the session broke", (code) => {
    expect(isConnectionLost(coded(code))).toBe(true);
  });

  test.each(["23505", "57014", "53300"])("%s leaves the session as it is", (code) => {
    expect(isConnectionLost(coded(code))).toBe(false);
  });
});
