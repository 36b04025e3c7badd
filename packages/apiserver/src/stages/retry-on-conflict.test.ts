import { expect, test } from "@jest/globals";
import { alreadyExists, conflict } from "@krate/kinds";
import { fixture, widget, widgetPath } from "../testing/fixture.ts";
import { retryOnConflict } from "./retry-on-conflict.ts";

const stale = conflict({ plural: "widgets", name: "a" }, "changed");

test("a patch that lost a race runs again until the request's time is over", async () => {
  const ctx = fixture().context({ method: "PATCH", url: `${widgetPath}/a` });
  let runs = 0;
  const lose = () => {
    ctx.operation = "UPDATE";
    ctx.retriable = true;
    if (++runs === 100) ctx.expire();
    throw stale;
  };
  await expect(retryOnConflict(ctx, lose)).rejects.toBe(stale);
  expect(runs).toBe(100);
});

test("a client that named a resourceVersion hears of the conflict at once", async () => {
  const ctx = fixture().context({ method: "PUT", url: `${widgetPath}/a` });
  let runs = 0;
  await expect(
    retryOnConflict(ctx, () => {
      runs++;
      ctx.operation = "UPDATE";
      throw stale;
    }),
  ).rejects.toBe(stale);
  expect(runs).toBe(1);
});

test("a generated name that is taken is generated again", async () => {
  const ctx = fixture().context({ method: "POST", url: widgetPath });
  let runs = 0;
  await retryOnConflict(ctx, () => {
    ctx.operation = "CREATE";
    ctx.nameGenerated = true;
    if (++runs < 3) throw alreadyExists({ plural: "widgets", name: "a-1" });
  });
  expect(runs).toBe(3);
});

test("many patches at once all land", async () => {
  const { send } = fixture();
  await send({ method: "POST", url: widgetPath, body: widget("a") });
  const patch = (label: number) =>
    send({
      method: "PATCH",
      url: `${widgetPath}/a`,
      headers: { "content-type": "application/merge-patch+json" },
      body: { metadata: { labels: { [`l${label}`]: "1" } } },
    });
  const statuses = (await Promise.all(Array.from({ length: 20 }, (_, at) => patch(at)))).map(({ status }) => status);
  expect(statuses).toEqual(Array.from({ length: 20 }, () => 200));
  const { json } = await send({ url: `${widgetPath}/a` });
  expect(Object.keys((json["metadata"] as { labels: object }).labels)).toHaveLength(20);
});

test("a conflict with the object itself is answered, not tried for ever", async () => {
  const { send } = fixture();
  await send({ method: "POST", url: widgetPath, body: widget("a") });
  const { status } = await send({
    method: "DELETE",
    url: `${widgetPath}/a`,
    body: { preconditions: { uid: "another" } },
  });
  expect(status).toBe(409);
});
