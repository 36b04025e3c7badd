/** Definitions whose rules cost too much or are malformed: what is said about them, and where. */
import type { JsonObject, JsonValue } from "@krate/apimachinery";
import type { Step } from "./step.ts";

const text = { type: "string" };
const rules = (...texts: string[]): JsonObject => ({
  "x-kubernetes-validations": texts.map((rule) => ({ rule })),
});
const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: "object", properties, ...more });
const list = (items: JsonObject, more: JsonObject = {}): JsonObject => ({ type: "array", items, ...more });

const version = (name: string, spec: JsonValue, storage = true): JsonObject => ({
  name,
  served: true,
  storage,
  schema: { openAPIV3Schema: object({ spec }) },
});

function refused(name: string, ...versions: JsonObject[]): Step {
  return {
    name,
    method: "POST",
    path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All",
    body: {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "widgets.cmp.example.com" },
      spec: {
        group: "cmp.example.com",
        scope: "Namespaced",
        names: { plural: "widgets", singular: "widget", kind: "Widget", listKind: "WidgetList" },
        versions,
      },
    },
  };
}

const nested = object({ l: list(text) }, rules("self.l.all(x, self.l.all(y, x == y))"));
const limited = list({ ...text, maxLength: 63, ...rules("self.matches('^[a-z]+(-[a-z]+)*$')") });
const many = Object.fromEntries(
  [..."abcdefghijklmn"].map((name, index) => [
    name,
    list({ type: "integer", ...rules("self > 3 && self < 9") }, { maxItems: 1_900_000 + index }),
  ]),
);

export const definitionSteps: readonly Step[] = [
  refused("a rule that is far too expensive", version("v1", nested)),
  refused("a rule that is a little too expensive", version("v1", limited)),
  refused("rules that are too expensive together", version("v1", object(many))),
  refused("a rule too expensive in one of two versions", version("v1", nested), version("v2", object({}), false)),
  refused("a rule too expensive in both versions alike", version("v1", nested), version("v2", nested, false)),
  refused("a message that is too expensive", {
    ...version(
      "v1",
      object(
        { s: text, l: list(text) },
        {
          "x-kubernetes-validations": [
            { rule: "self.s == 'x'", messageExpression: "self.l.map(x, x + self.s).join(', ')" },
          ],
        },
      ),
    ),
  }),
  refused("a rule with an unknown field", version("v1", object({ s: text }, rules("self.nope == 3 && self.s > ''")))),
  refused("a rule that gives a text", version("v1", object({ s: text }, rules("self.s")))),
  refused("an empty rule", version("v1", object({ s: text }, rules(" ")))),
  refused(
    "a rule of old items",
    version("v1", list({ ...text, maxLength: 10, ...rules("self == oldSelf") }, { maxItems: 9 })),
  ),
  refused("a schema that is not structural", version("v1", object({ s: { description: "no type" } }))),
];
