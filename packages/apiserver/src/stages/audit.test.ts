import { expect, test } from "@jest/globals";
import { fixture, widget, widgetPath } from "../testing/fixture.ts";

const auditLines = (lines: Record<string, unknown>[]) => lines.filter(({ msg }) => msg === "audit");

test("a write leaves who did what, a read leaves nothing", async () => {
  const { send, lines } = fixture();
  await send({ method: "POST", url: widgetPath, body: widget("a") });
  await send({ url: widgetPath });
  expect(auditLines(lines)).toMatchObject([
    { verb: "create", resource: "test.example.com/widgets", namespace: "ns", name: "a", user: "ada", allowed: true },
  ]);
});

test("a refused write says why", async () => {
  const { send, lines } = fixture({ allow: () => false });
  await send({ method: "DELETE", url: `${widgetPath}/a` });
  expect(auditLines(lines)).toMatchObject([
    { verb: "delete", allowed: false, reason: expect.stringContaining("cannot delete") },
  ]);
});
