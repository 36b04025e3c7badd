import { expect, test } from "@jest/globals";
import { forbidden } from "@krate/kinds";
import { passesOf } from "../admission/reinvocation.ts";
import type { RequestContext } from "../context.ts";
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

test("a plugin that throws refuses", async () => {
  const no = {
    name: "no",
    mutate: () => {
      throw forbidden({ plural: "widgets", name: "a" }, "no");
    },
  };
  const { send } = fixture({ services: { admission: [no] } });
  expect((await send({ method: "POST", url: widgetPath, body: widget("a") })).status).toBe(403);
});

test("a plugin that wants to see later changes runs again, once", async () => {
  const seen: unknown[] = [];
  const resize = (name: string, size: number) => ({
    name,
    mutate: (ctx: RequestContext) => {
      const ledger = passesOf(ctx).ledger(name);
      ledger.enter(ctx.object);
      if (ledger.mayInvoke(name)) {
        const { spec } = ctx.object as { spec: { size: number } };
        seen.push([name, spec.size]);
        ledger.invoked(name, { changed: spec.size < size, reinvocable: name === "a" });
        spec.size = Math.max(spec.size, size);
      }
      ledger.leave(ctx.object);
    },
  });
  const { send } = fixture({ services: { admission: [resize("a", 2), resize("b", 5)] } });
  const { json } = await send({ method: "POST", url: widgetPath, body: widget("w") });
  expect(json["spec"]).toEqual({ color: "red", size: 5 });
  expect(seen).toEqual([
    ["a", 1],
    ["b", 2],
    ["a", 5],
  ]);
});

test("owners of fields that a plugin breaks stay as they were, with a warning", async () => {
  const breaks = {
    name: "breaks",
    mutate: (ctx: RequestContext) => {
      ctx.object = { ...ctx.object, metadata: { ...(ctx.object?.["metadata"] as object), managedFields: [{}] } };
    },
  };
  const { send } = fixture({ services: { admission: [breaks] } });
  const { json, headers } = await send({ method: "POST", url: `${widgetPath}?fieldManager=me`, body: widget("w") });
  expect(json).toMatchObject({ metadata: { managedFields: [{ manager: "me" }] } });
  expect(headers["warning"]).toEqual([
    expect.stringContaining(".metadata.managedFields was in an invalid state after admission"),
  ]);
});
