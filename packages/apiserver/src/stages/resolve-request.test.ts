import { expect, test } from "@jest/globals";
import { fixture, widgetPath } from "../testing/fixture.ts";
import { resolveRequest } from "./resolve-request.ts";

test("finds the resource a URL names, and leaves unknown ones to route", () => {
  const { context, services } = fixture();
  const stage = resolveRequest(services.registry);
  const known = context({ url: `${widgetPath}/a` });
  void stage(known, () => {});
  expect(known.info).toMatchObject({ verb: "get", namespace: "ns", name: "a", resource: "widgets" });
  expect(known.resource?.kind).toBe("Widget");
  const unknown = context({ url: "/apis/other/v1/things" });
  void stage(unknown, () => {});
  expect(unknown.resource).toBeUndefined();
});
