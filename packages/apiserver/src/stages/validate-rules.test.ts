import { expect, test } from "@jest/globals";
import { fixture, widget, widgetPath } from "../testing/fixture.ts";

test("a rule about the old value holds on create and refuses the change", async () => {
  const { send } = fixture();
  expect((await send({ method: "POST", url: widgetPath, body: widget("a") })).status).toBe(201);
  const { json } = await send({
    method: "PATCH",
    url: `${widgetPath}/a`,
    headers: { "content-type": "application/merge-patch+json" },
    body: { spec: { color: "blue" } },
  });
  expect(json).toMatchObject({
    code: 422,
    message: 'Widget.test.example.com "a" is invalid: spec.color: Invalid value: "blue": is immutable',
  });
});
