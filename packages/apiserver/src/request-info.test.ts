import { expect, test } from "@jest/globals";
import { parseRequestInfo } from "./request-info.ts";

const cases = [
  ["GET", "/api/v1/pods", { verb: "list", group: "", resource: "pods", namespace: "" }],
  ["GET", "/api/v1/namespaces/a/pods/b", { verb: "get", namespace: "a", resource: "pods", name: "b" }],
  ["GET", "/api/v1/namespaces/a/pods/b/log", { verb: "get", subresource: "log", name: "b" }],
  ["GET", "/api/v1/namespaces/a", { verb: "get", resource: "namespaces", name: "a", namespace: "a" }],
  [
    "PUT",
    "/api/v1/namespaces/a/finalize",
    { verb: "update", resource: "namespaces", name: "a", subresource: "finalize" },
  ],
  ["GET", "/api/v1/namespaces", { verb: "list", resource: "namespaces", namespace: "" }],
  ["GET", "/apis/g/v1/namespaces/a/w?watch=true", { verb: "watch", group: "g", version: "v1" }],
  ["GET", "/apis/g/v1/w?watch=false", { verb: "list" }],
  ["DELETE", "/apis/g/v1/namespaces/a/w", { verb: "deletecollection" }],
  ["GET", "/apis/g/v1/w?fieldSelector=metadata.name%3Dx", { verb: "list", name: "x" }],
  ["POST", "/apis/g/v1/namespaces/a/w", { verb: "create", name: "" }],
  ["PATCH", "/apis/g/v1/namespaces/a/w/n%2Fm", { verb: "patch", name: "n/m" }],
  ["GET", "/apis/g/v1", { isResource: false, verb: "get" }],
  ["GET", "/healthz", { isResource: false }],
  ["GET", "/api/v1/%zz", { isResource: false }],
] as const;

test.each(cases)("%s %s", (method, target, expected) => {
  const [path = "", query = ""] = target.split("?");
  expect(parseRequestInfo(method, path, new URLSearchParams(query))).toMatchObject(expected);
});
