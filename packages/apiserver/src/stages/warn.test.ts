import { expect, test } from "@jest/globals";
import { fixture, widget, widgetPath } from "../testing/fixture.ts";

test("deprecation and the strategy's warnings, each once", async () => {
  const { send } = fixture({ resource: { deprecation: "use v2", strategy: { warnings: () => ["odd", "odd"] } } });
  const { headers } = await send({ method: "POST", url: widgetPath, body: widget("a") });
  expect(headers["warning"]).toEqual(['299 - "use v2"', '299 - "odd"']);
  expect((await send({ url: widgetPath })).headers["warning"]).toEqual(['299 - "use v2"']);
});
