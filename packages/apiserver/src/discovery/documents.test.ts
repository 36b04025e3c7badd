import { expect, test } from "@jest/globals";
import { defineResource } from "../resources/resource.ts";
import { groupsOf } from "./documents.ts";
import { compareVersions } from "./versions.ts";

test("newest and most stable versions come first", () => {
  const versions = ["v1alpha1", "foo", "v2", "v1beta2", "v10", "v1beta10", "v1", "bar", "v2alpha1"];
  expect(versions.sort(compareVersions)).toEqual([
    "v10",
    "v2",
    "v1",
    "v1beta10",
    "v1beta2",
    "v2alpha1",
    "v1alpha1",
    "bar",
    "foo",
  ]);
});

test("core first, Kubernetes' own groups next, then by name", () => {
  const resources = ["z.example.com", "rbac.authorization.k8s.io", "", "a.example.com"].map((group) =>
    defineResource({ group, version: "v1", kind: "A", plural: "as" }),
  );
  expect(groupsOf(resources).map(({ name }) => name)).toEqual([
    "",
    "rbac.authorization.k8s.io",
    "a.example.com",
    "z.example.com",
  ]);
});
