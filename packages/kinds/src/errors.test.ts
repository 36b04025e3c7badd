import { describe, expect, test } from "@jest/globals";
import { ApiError, conflict, forbidden, internalError, invalid, isReason, notFound, statusReasons } from "./errors.ts";

const target = { group: "forge.krate.a5c.ai", plural: "pullrequests", kind: "PullRequest", name: "hello-1" };

describe("errors in kube-apiserver's words", () => {
  test("not found names resource and object", () => {
    expect(notFound(target).toStatus()).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: 'pullrequests.forge.krate.a5c.ai "hello-1" not found',
      reason: "NotFound",
      details: { name: "hello-1", group: "forge.krate.a5c.ai", kind: "pullrequests" },
      code: 404,
    });
  });

  test("invalid lists every field, and has one cause each", () => {
    const error = invalid(target, [
      { reason: "FieldValueRequired", field: "spec.title", message: "Required value" },
      { reason: "FieldValueInvalid", field: "spec.head", message: "Invalid value" },
    ]);
    expect(error.message).toBe(
      'PullRequest.forge.krate.a5c.ai "hello-1" is invalid: [spec.title: Required value, spec.head: Invalid value]',
    );
    expect(error.details?.causes).toHaveLength(2);
    expect(error.code).toBe(422);
  });

  test("forbidden and conflict say why", () => {
    expect(forbidden(target, "not yours").message).toBe(
      'pullrequests.forge.krate.a5c.ai "hello-1" is forbidden: not yours',
    );
    expect(conflict(target, "it changed").message).toContain("it changed");
  });
});

test("what went wrong inside stays inside", () => {
  const error = internalError(new Error("password=secret"));
  expect(JSON.stringify(error.toStatus())).not.toContain("secret");
  expect(error.cause).toBeInstanceOf(Error);
});

test.each(Object.entries(statusReasons))("%s survives the way over the wire", (reason, code) => {
  const status = new ApiError(reason as keyof typeof statusReasons, "text").toStatus();
  const back = ApiError.fromStatus(JSON.parse(JSON.stringify(status)), code);
  expect(isReason(back, reason as keyof typeof statusReasons)).toBe(true);
  expect(back.code).toBe(code);
});

test("a status of a reason nobody knows is kept by its code", () => {
  expect(ApiError.fromStatus({ reason: "Teapot", code: 404, message: "?" }, 404).reason).toBe("NotFound");
  expect(ApiError.fromStatus({}, 599).reason).toBe("InternalError");
});
