import { expect, test } from "@jest/globals";
import { fixture, widgetPath } from "../testing/fixture.ts";

test("a subresource with a handler does all its work; the object's stages do not run", async () => {
  const poke = {
    group: "",
    version: "v1",
    kind: "Poke",
    verbs: ["create" as const],
    connect: async (ctx: { result: unknown; target: { name: string } }) => {
      ctx.result = { kind: "value", status: 201, value: { poked: ctx.target.name } };
    },
  };
  const { send } = fixture({ resource: { subresources: { poke: poke as never } } });
  const { status, json } = await send({ method: "POST", url: `${widgetPath}/a/poke`, body: "not an object" });
  expect({ status, json }).toEqual({ status: 201, json: { poked: "a" } });
});

test("a subresource of a group that is not served is not found", async () => {
  const { status } = await fixture().send({ url: "/apis/none.example.com/v1/namespaces/ns/things/a/poke" });
  expect(status).toBe(404);
});
