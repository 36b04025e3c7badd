import { describe, expect, test } from "@jest/globals";
import { encodeObject } from "./encode-object.ts";

describe("encodeObject", () => {
  test("cuts the JSON where the resourceVersion goes, wherever it stood", () => {
    const object = {
      apiVersion: "v1",
      metadata: { name: "a", resourceVersion: "7", labels: { app: "x" }, uid: "u" },
      data: { k: "ü\u0000\ud800" },
    };
    const encoded = encodeObject(object, { "spec.state": "Open" });
    expect(`${encoded.head}42${encoded.tail}`).toBe(
      '{"apiVersion":"v1","metadata":{"name":"a","resourceVersion":"42","labels":{"app":"x"},"uid":"u"},"data":{"k":"ü\\u0000\\ud800"}}',
    );
    expect(encoded.labels).toEqual({ app: "x" });
    expect(encoded.fields).toEqual({ "spec.state": "Open" });
  });

  test("adds a resourceVersion at the end of metadata when there was none", () => {
    const { head, tail } = encodeObject({ metadata: { labels: {} } });
    expect(`${head}1${tail}`).toBe('{"metadata":{"labels":{},"resourceVersion":"1"}}');
  });
});
