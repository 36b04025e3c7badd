import { expect, test } from "@jest/globals";
import { forbidden } from "@krate/kinds";
import type { AdmissionPlugin } from "../services.ts";
import { fixture, widget, widgetPath } from "../testing/fixture.ts";

function setUp() {
  const seen: string[] = [];
  const plugin: AdmissionPlugin = {
    name: "watcher",
    validate: (ctx) => {
      seen.push(`${ctx.operation} ${ctx.key?.name}`);
      if (ctx.operation === "DELETE" && ctx.key?.name === "b")
        throw forbidden({ plural: "widgets", name: "b" }, "stays");
    },
  };
  return { ...fixture({ services: { admission: [plugin] } }), seen };
}

test("sees creates, updates and deletes, also each object of a deletecollection", async () => {
  const { send, seen } = setUp();
  await send({ method: "POST", url: widgetPath, body: widget("a") });
  await send({ method: "POST", url: widgetPath, body: widget("b") });
  expect((await send({ method: "DELETE", url: widgetPath })).status).toBe(403);
  expect(seen).toEqual(["CREATE a", "CREATE b", "DELETE a", "DELETE b"]);
  expect((await send({ url: `${widgetPath}/b` })).status).toBe(200);
});

test("does not see an object that is not valid", async () => {
  const { send, seen } = setUp();
  await send({ method: "POST", url: widgetPath, body: widget("a", { color: "green" }) });
  expect(seen).toEqual([]);
});
