import { describe, expect, it } from "@jest/globals";
import type { JsonObject } from "../json.ts";
import { generateName, validateObjectMeta, validateObjectMetaUpdate } from "./metadata.ts";

const subdomain = /a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters/;
const wrong: { metadata: JsonObject; field: string; says: RegExp; reason: string }[] = [
  { metadata: {}, field: "metadata.name", says: /Required value: name or generateName is required/, reason: "no name" },
  { metadata: { name: "A_b" }, field: "metadata.name", says: subdomain, reason: "capital letters" },
  { metadata: { name: "x".repeat(254) }, field: "metadata.name", says: /no more than 253/, reason: "a long name" },
  {
    metadata: { name: "a", generateName: "A-" },
    field: "metadata.generateName",
    says: subdomain,
    reason: "a bad prefix",
  },
  { metadata: { name: "a", namespace: "" }, field: "metadata.namespace", says: /Required/, reason: "no namespace" },
  {
    metadata: { name: "a", namespace: "a.b" },
    field: "metadata.namespace",
    says: /must not contain dots/,
    reason: "dots in a namespace",
  },
  {
    metadata: { name: "a", labels: { "a b": "x" } },
    field: "metadata.labels",
    says: /name part must consist/,
    reason: "a bad label key",
  },
  {
    metadata: { name: "a", labels: { a: "x:y" } },
    field: "metadata.labels",
    says: /a valid label must be/,
    reason: "a bad label value",
  },
  {
    metadata: { name: "a", labels: { "/a": "" } },
    field: "metadata.labels",
    says: /prefix part must be non-empty/,
    reason: "no prefix",
  },
  {
    metadata: { name: "a", annotations: { a: "x".repeat(256 * 1024) } },
    field: "metadata.annotations",
    says: /Too long: may not be more than 262144 bytes/,
    reason: "annotations too large",
  },
  {
    metadata: { name: "a", finalizers: ["a b"] },
    field: "metadata.finalizers",
    says: /name part/,
    reason: "a bad finalizer",
  },
  {
    metadata: { name: "a", ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p" }] },
    field: "metadata.ownerReferences.uid",
    says: /must not be empty/,
    reason: "an owner without uid",
  },
  {
    metadata: {
      name: "a",
      ownerReferences: ["p", "q"].map((name) => ({ apiVersion: "v1", kind: "Pod", name, uid: name, controller: true })),
    },
    field: "metadata.ownerReferences",
    says: /Only one reference can have Controller set to true.*Pod\/p and Pod\/q/,
    reason: "two controllers",
  },
];

describe("validateObjectMeta", () => {
  it.each(wrong)("refuses $reason", ({ metadata, field, says }) => {
    const errors = validateObjectMeta({ namespace: "n", ...metadata }, { namespaced: true });
    expect(errors.map((error) => error.field)).toEqual([field]);
    expect(errors[0]?.message).toMatch(says);
  });

  it("accepts what kube-apiserver accepts", () => {
    const metadata = {
      name: "a.b-c",
      namespace: "n",
      labels: { "app.kubernetes.io/name": "x", A_b: "" },
      annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{}", UPPER: "any text: at all" },
      finalizers: ["krate.a5c.ai/x", "foregroundDeletion"],
    };
    expect(validateObjectMeta(metadata, { namespaced: true })).toEqual([]);
    expect(validateObjectMeta({ name: "system:masters" }, { namespaced: false, name: "path-segment" })).toEqual([]);
  });

  it("forbids a namespace on cluster-scoped kinds", () => {
    expect(validateObjectMeta({ name: "a", namespace: "n" }, { namespaced: false })[0]?.message).toBe(
      "Forbidden: not allowed on this type",
    );
  });
});

describe("validateObjectMetaUpdate", () => {
  const old = { name: "a", namespace: "n", uid: "u", resourceVersion: "5", creationTimestamp: "t", generation: 2 };

  it("keeps identity", () => {
    const errors = validateObjectMetaUpdate({ ...old, uid: "v", generation: 1 }, old);
    expect(errors.map(({ field, message }) => `${field}: ${message}`)).toEqual([
      "metadata.generation: Invalid value: 1: must not be decremented",
      'metadata.uid: Invalid value: "v": field is immutable',
    ]);
  });

  it("allows removing but not adding finalizers while the object is being deleted", () => {
    const dying = { ...old, deletionTimestamp: "t", finalizers: ["a/b", "a/c"] };
    expect(validateObjectMetaUpdate({ ...dying, finalizers: ["a/b"] }, dying)).toEqual([]);
    expect(validateObjectMetaUpdate({ ...dying, finalizers: ["a/b", "a/d"] }, dying)[0]?.message).toMatch(
      /found new finalizers.*a\/d/,
    );
  });
});

describe("generateName", () => {
  it("appends five characters and stays a DNS label", () => {
    expect(generateName("web-", () => 0)).toBe("web-bbbbb");
    expect(generateName("x".repeat(100), () => 0.999)).toHaveLength(63);
  });
});
