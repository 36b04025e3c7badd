import { expect, test } from "@jest/globals";
import { forbidden } from "@krate/kinds";
import { fixture, widget, widgetPath } from "../testing/fixture.ts";

test("plugins change the object before it is validated, in order", async () => {
  const plugin = (name: string, size: number) => ({
    name,
    mutate: (ctx: { object: unknown }) => void Object.assign((ctx.object as { spec: object }).spec, { size }),
  });
  const { send } = fixture({ services: { admission: [plugin("a", 0), plugin("b", 7)] as never } });
  const { json } = await send({ method: "POST", url: widgetPath, body: widget("a") });
  expect(json["spec"]).toEqual({ color: "red", size: 7 });
});

test("a plugin that throws refuses; deletes are not mutated", async () => {
  const no = {
    name: "no",
    mutate: () => {
      throw forbidden({ plural: "widgets", name: "a" }, "no");
    },
  };
  const { send } = fixture({ services: { admission: [no] } });
  expect((await send({ method: "POST", url: widgetPath, body: widget("a") })).status).toBe(403);
  expect((await send({ method: "DELETE", url: `${widgetPath}/a` })).status).toBe(404);
});
