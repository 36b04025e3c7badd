import { expect, test } from "@jest/globals";
import { fixture, widget, widgetPath } from "../testing/fixture.ts";

const cases = [
  { body: widget("a", { color: "green" }), field: "spec.color", reason: "a value that is not allowed" },
  { body: widget("a", {}), field: "spec.color", reason: "a missing field" },
  { body: widget("A_b"), field: "metadata.name", reason: "a name that is no DNS name" },
  {
    body: { ...widget("a"), metadata: { name: "a", labels: { "a b": "c" } } },
    field: "metadata.labels",
    reason: "a label key with a space",
  },
];

test.each(cases)("422 names the field: $reason", async ({ body, field }) => {
  const { json } = await fixture().send({ method: "POST", url: widgetPath, body });
  expect(json).toMatchObject({ code: 422, reason: "Invalid", details: { kind: "Widget", causes: [{ field }] } });
});

test("a strategy adds rules that the schema cannot say", async () => {
  const strategy = {
    validate: () => [{ reason: "FieldValueForbidden" as const, field: "spec", message: "Forbidden: not today" }],
  };
  const { json } = await fixture({ resource: { strategy } }).send({
    method: "POST",
    url: widgetPath,
    body: widget("a"),
  });
  expect(json["message"]).toBe('Widget.test.example.com "a" is invalid: spec: Forbidden: not today');
});
