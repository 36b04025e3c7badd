import { expect, test } from "@jest/globals";
import { fixture, widgetPath } from "../testing/fixture.ts";

const cases = [
  {
    method: "GET",
    url: `${widgetPath}/a`,
    message:
      'widgets.test.example.com "a" is forbidden: User "ada" cannot get resource "widgets" in API group "test.example.com" in the namespace "ns"',
    reason: "one object",
  },
  {
    method: "GET",
    url: "/apis/test.example.com/v1/widgets",
    message:
      'widgets.test.example.com is forbidden: User "ada" cannot list resource "widgets" in API group "test.example.com" at the cluster scope',
    reason: "all namespaces",
  },
  {
    method: "PATCH",
    url: `${widgetPath}/a/status`,
    message:
      'widgets.test.example.com "a" is forbidden: User "ada" cannot patch resource "widgets/status" in API group "test.example.com" in the namespace "ns"',
    reason: "a subresource",
  },
  { method: "GET", url: "/metrics", message: 'forbidden: User "ada" cannot get path "/metrics"', reason: "a path" },
];

test.each(cases)("refuses in kube-apiserver's words: $reason", async ({ method, url, message }) => {
  const { status, json } = await fixture({ allow: () => false }).send({ method, url });
  expect({ status, reason: json["reason"], message: json["message"] }).toEqual({
    status: 403,
    reason: "Forbidden",
    message,
  });
});
