import { describe, expect, it } from "@jest/globals";
import { decodeYaml } from "./yaml.ts";

describe("decodeYaml", () => {
  it("reads what kubectl apply sends", () => {
    const text =
      "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: {x: 'y'}\ndata:\n  m: \"1\"\n  text: |\n    two\n    lines\n";
    expect(decodeYaml(text).value).toEqual({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a", labels: { x: "y" } },
      data: { m: "1", text: "two\nlines\n" },
    });
  });

  it("reads JSON, which is YAML", () => {
    expect(decodeYaml('{"a":[1,true,null,1.5]}').value).toEqual({ a: [1, true, null, 1.5] });
  });

  it("reads YAML 1.1 scalars as Kubernetes does and leaves times as strings", () => {
    expect(decodeYaml("a: yes\nb: 0644\nc: 2001-12-14T21:59:43Z\nd: 2001-12-14\ne: 1:30").value).toMatchObject({
      a: true,
      b: 420,
      c: "2001-12-14T21:59:43Z",
      d: "2001-12-14",
    });
  });

  it("reads the key y as true, as kube-apiserver does", () => {
    expect(decodeYaml("y: 1").value).toEqual({ true: 1 });
  });

  it("finds duplicate keys with their paths", () => {
    expect(decodeYaml("spec:\n  a: 1\n  l:\n  - x: 1\n    x: 2\n  a: 2\n")).toEqual({
      value: { spec: { a: 2, l: [{ x: 2 }] } },
      duplicateFields: ["spec.l[0].x", "spec.a"],
    });
  });

  it("resolves anchors and merge keys", () => {
    expect(decodeYaml("base: &b {x: 1}\nmore:\n  <<: *b\n  z: 2").value).toEqual({
      base: { x: 1 },
      more: { x: 1, z: 2 },
    });
  });

  const laughs = ["a: &a [x,x,x,x,x,x,x,x,x]"];
  for (let i = 1; i < 9; i++) {
    const before = `*${"abcdefghi"[i - 1]}`;
    laughs.push(`${"abcdefghi"[i]}: &${"abcdefghi"[i]} [${Array(9).fill(before).join(",")}]`);
  }
  const refused = [
    { text: laughs.join("\n"), says: /alias/i, reason: "a billion laughs" },
    { text: "a: 1\n---\nb: 2\n", says: /2 YAML documents/, reason: "two documents" },
    { text: "a: [1", says: /error converting YAML to JSON/, reason: "a syntax error" },
    { text: "[".repeat(20000), says: /nests deeper/, reason: "a wall of brackets" },
    { text: "__proto__: {a: 1}", says: /__proto__/, reason: "prototype pollution" },
    { text: "a: .inf", says: /no JSON form/, reason: "infinity" },
  ];
  it.each(refused)("refuses $reason", ({ text, says }) => {
    expect(() => decodeYaml(text)).toThrow(says);
  });
});
