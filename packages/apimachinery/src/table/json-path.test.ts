import { describe, expect, it } from "@jest/globals";
import { compileJsonPath } from "./json-path.ts";

const object = {
  metadata: { name: "a", labels: { "app.kubernetes.io/name": "web" } },
  spec: { list: [{ n: 1, t: "x" }, { n: 2, t: "y" }, { n: 3 }], flag: false },
  status: {
    conditions: [
      { type: "Ready", status: "True" },
      { type: "Merged", status: "False" },
    ],
  },
};

const cases = [
  { path: ".metadata.name", results: ["a"] },
  { path: "{.metadata.name}", results: ["a"] },
  { path: "$.metadata.name", results: ["a"] },
  { path: "metadata.name", results: ["a"] },
  { path: ".metadata.labels.app\\.kubernetes\\.io/name", results: ["web"] },
  { path: ".metadata.labels['app.kubernetes.io/name']", results: ["web"] },
  { path: ".metadata.labels['app\\.kubernetes\\.io/name']", results: ["web"] },
  { path: ".spec.list[0].n", results: [1] },
  { path: ".spec.list[-1].n", results: [3] },
  { path: ".spec.list[*].n", results: [1, 2, 3] },
  { path: ".spec.list[0:2].n", results: [1, 2] },
  { path: ".spec.list[0,2].n", results: [1, 3] },
  { path: ".spec.list[::2].n", results: [1, 3] },
  { path: '.status.conditions[?(@.type=="Ready")].status', results: ["True"] },
  { path: ".status.conditions[?(@.type == 'Merged')].status", results: ["False"] },
  { path: ".status.conditions[?(@.type!='Ready')].type", results: ["Merged"] },
  { path: ".spec.list[?(@.n>=2)].n", results: [2, 3] },
  { path: ".spec.list[?(@.t)].n", results: [1, 2] },
  { path: ".spec..t", results: ["x", "y"] },
  { path: ".spec.flag", results: [false] },
  { path: ".spec.*", results: [object.spec.list, false] },
  { path: ".spec.missing.deep", results: [] },
  { path: ".constructor.name", results: [] },
];

describe("compileJsonPath", () => {
  it.each(cases)("$path", ({ path, results }) => {
    expect(compileJsonPath(path)(object)).toEqual(results);
  });

  it.each([".a[", ".a[x]", ".a[?(@.b=)]", ".a b", ".a[?(@.b=='x')", ".a."])(
    "tells where %p is wrong or accepts a trailing dot",
    (path) => {
      if (path === ".a.") expect(compileJsonPath(path)({ a: 1 })).toEqual([1]);
      else expect(() => compileJsonPath(path)).toThrow(/JSONPath.*at character/);
    },
  );
});
