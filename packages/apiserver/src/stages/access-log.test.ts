import { expect, test } from "@jest/globals";
import { silentObserver } from "../services.ts";
import { fixture, widgetPath } from "../testing/fixture.ts";

test("an answered request leaves one line and one measurement", async () => {
  const measured: number[] = [];
  const { send, lines } = fixture({
    services: { observer: { ...silentObserver, finished: (ctx) => void measured.push(ctx.status) } },
  });
  await send({ url: widgetPath });
  expect(lines).toMatchObject([{ level: "debug", verb: "list", user: "ada", status: 200, path: widgetPath }]);
  expect(measured).toEqual([200]);
});

test("an internal error is logged whole and answered without its text", async () => {
  const { send, lines } = fixture({
    services: {
      authenticators: [
        () => {
          throw new Error("disk on fire");
        },
      ],
    },
  });
  const { status, json } = await send({ url: widgetPath });
  expect({ status, message: json["message"] }).toEqual({
    status: 500,
    message: "Internal error occurred; the server log has the cause",
  });
  expect(lines.at(-1)).toMatchObject({ level: "error", msg: "request failed" });
  expect(JSON.stringify(lines)).toContain("disk on fire");
});
