import { expect, test } from "@jest/globals";
import { fixture, widgetPath } from "../testing/fixture.ts";

const hello = {
  path: "/hello",
  handle: (ctx: { response: unknown }) => {
    ctx.response = { kind: "bytes", status: 200, contentType: "text/plain", body: Buffer.from("hi") };
  },
};
const { send } = fixture({ services: { routes: [hello as never] }, resource: { verbs: ["get", "list"] } });

const cases = [
  { method: "GET", url: "/hello", status: 200, reason: "a route" },
  { method: "GET", url: "/hello/", status: 200, reason: "a trailing slash does not matter" },
  { method: "GET", url: "/nothing", status: 404, reason: "an unknown path" },
  { method: "GET", url: "/apis/test.example.com/v1/things", status: 404, reason: "an unknown resource" },
  { method: "GET", url: "/apis/test.example.com/v2/widgets", status: 404, reason: "an unknown version" },
  { method: "GET", url: `${widgetPath}/a/scale`, status: 404, reason: "an unknown subresource" },
  { method: "POST", url: widgetPath, status: 405, reason: "a verb the resource does not have" },
  { method: "DELETE", url: `${widgetPath}/a/status`, status: 405, reason: "a verb status does not have" },
  {
    method: "GET",
    url: "/apis/test.example.com/v1/widgets/a",
    status: 404,
    reason: "a namespaced object without namespace",
  },
  { method: "GET", url: "/apis/test.example.com/v1/widgets", status: 200, reason: "all namespaces" },
];

test.each(cases)("$status for $reason", async ({ method, url, status }) => {
  expect((await send({ method, url })).status).toBe(status);
});
