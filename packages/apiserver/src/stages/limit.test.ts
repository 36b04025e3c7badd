import { expect, test } from "@jest/globals";
import { parseRequestInfo } from "../request-info.ts";
import { fixture, widgetPath } from "../testing/fixture.ts";
import { limit } from "./limit.ts";

function setUp() {
  const { context } = fixture();
  const request = (method: string, query = "") => {
    const ctx = context({ method, url: widgetPath });
    ctx.info = parseRequestInfo(method, widgetPath, new URLSearchParams(query));
    return ctx;
  };
  return { stage: limit({ maxReads: 1, maxWrites: 1 }), request };
}

test("reads and writes have a limit each, and leave room when they are done", async () => {
  const { stage, request } = setUp();
  let finish: () => void = () => {};
  const slow = stage(
    request("GET"),
    () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      }),
  );
  await expect(stage(request("GET"), () => {})).rejects.toMatchObject({ code: 429, details: { retryAfterSeconds: 1 } });
  await stage(request("POST"), () => {});
  finish();
  await slow;
  await stage(request("GET"), () => {});
});

test("watches are not counted", async () => {
  const { stage, request } = setUp();
  void stage(request("GET", "watch=1"), () => new Promise<void>(() => {}));
  await stage(request("GET"), () => {});
});
