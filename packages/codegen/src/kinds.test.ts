import { describe, expect, test } from "@jest/globals";
import { allKinds, type Kind } from "@krate/kinds";
import { parse, stringify } from "yaml";
import { type Field, fieldsOf } from "./fields.ts";
import { kebabCase } from "./file-name.ts";
import { schemasAt } from "./json-path.ts";
import { objectSchemaOf } from "./object-schema.ts";
import { readSamples } from "./read-samples.ts";
import { type StructuralSchema, structuralSchema } from "./structural-schema.ts";
import { validatorOf } from "./testing/validator.ts";

const root = `${import.meta.dirname}/../../..`;
const samples = readSamples(root, allKinds);

const fieldsOfKind = (kind: Kind): Field[] => [
  ...fieldsOf(structuralSchema(kind.spec), "spec"),
  ...fieldsOf(structuralSchema(kind.status), "status"),
];

/** Items of lists and values of maps have descriptions too, though they have no path of their own. */
const undescribed = (schema: StructuralSchema, path: string): string[] => [
  ...(schema.description ? [] : [path]),
  ...Object.entries(schema.properties ?? {}).flatMap(([name, child]) => undescribed(child, `${path}.${name}`)),
  ...(schema.items ? undescribed(schema.items, `${path}[]`) : []),
  ...(schema.additionalProperties ? undescribed(schema.additionalProperties, `${path}{}`) : []),
];

describe.each(allKinds.map((kind) => [kind.kind, kind] as const))("%s", (_, kind) => {
  const schema = objectSchemaOf(kind);

  test("has a sample, and every sample is valid", () => {
    const texts = samples.get(kind.kind) ?? [];
    expect(texts.length).toBeGreaterThan(0);
    const validate = validatorOf(schema);
    for (const text of texts) expect(validate(parse(text))).toEqual([]);
  });

  test("samples survive a round trip and name their kind", () => {
    for (const text of samples.get(kind.kind) ?? []) {
      const object = parse(text);
      expect(parse(stringify(object))).toEqual(object);
      expect(JSON.parse(JSON.stringify(object))).toEqual(object);
      expect(object).toMatchObject({ apiVersion: `${kind.group}/${kind.version}`, kind: kind.kind });
    }
  });

  test("an object without spec, and one with a wrong type, are refused", () => {
    const validate = validatorOf(schema);
    expect(validate({ apiVersion: "x", kind: "y", metadata: {} })).not.toEqual([]);
    expect(validate({ spec: "text" })).not.toEqual([]);
  });

  test("every field has a description", () => {
    expect([
      ...undescribed(structuralSchema(kind.spec), "spec"),
      ...undescribed(structuralSchema(kind.status), "status"),
    ]).toEqual([]);
  });

  test("every string and list of the spec is bounded, so that the cost of CEL rules is", () => {
    const unbounded = fieldsOf(structuralSchema(kind.spec), "spec").filter(({ schema: field }) => isUnbounded(field));
    expect(unbounded.map(({ path }) => path)).toEqual([]);
  });

  test("columns, selectable fields and mirrored labels point at scalars that exist", () => {
    const columns = kind.printerColumns.map(({ jsonPath }) => jsonPath);
    expect(columns.filter((path) => schemasAt(schema, path).length === 0)).toEqual([]);
    // kube-apiserver prints the first match only, which would pass for all of them.
    expect(columns.filter((path) => path.includes("[*]"))).toEqual([]);
    const scalars = [...(kind.selectableFields ?? []), ...Object.values(kind.mirroredLabels ?? {})];
    const isScalar = (path: string) =>
      schemasAt(schema, path).some(({ type }) => type !== undefined && ["string", "integer", "boolean"].includes(type));
    expect(scalars.filter((path) => !isScalar(path))).toEqual([]);
  });

  test("shows a person at most seven columns, and has no column of its own for Age", () => {
    const shown = kind.printerColumns.filter(({ priority }) => !priority);
    expect(shown.length).toBeLessThanOrEqual(7);
    expect(shown.length).toBeGreaterThan(0);
    expect(kind.printerColumns.map(({ name }) => name)).not.toContain("Age");
  });

  test("conditions have a meaning and CamelCase reasons", () => {
    for (const [type, { description, reasons }] of Object.entries(kind.conditions ?? {})) {
      expect(type).toMatch(/^[A-Z][A-Za-z]+$/);
      expect(description).not.toBe("");
      expect(reasons.length).toBeGreaterThan(0);
      expect(reasons.filter((reason) => !/^[A-Z][A-Za-z0-9]*$/.test(reason))).toEqual([]);
    }
  });

  test("mirrored labels are legal label keys", () => {
    const legal = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
    expect(Object.keys(kind.mirroredLabels ?? {}).filter((label) => !legal.test(label))).toEqual([]);
  });

  test("a configuration kind has a Ready condition or is only presentation", () => {
    if (kind.storage !== "etcd") return;
    const types = Object.keys(kind.conditions ?? {});
    expect(types.some((type) => type === "Ready" || type === "Valid")).toBe(true);
  });

  test("organizationRef is required, but for objects of the installation", () => {
    const required = (structuralSchema(kind.spec).required ?? []).includes("organizationRef");
    expect(required).toBe(!["Organization", "AuthProvider"].includes(kind.kind));
  });

  test("no field is declared twice", () => {
    const paths = fieldsOfKind(kind).map(({ path }) => path);
    expect(paths.filter((path, index) => paths.indexOf(path) !== index)).toEqual([]);
  });
});

describe("all kinds together", () => {
  const duplicates = (names: readonly string[]) => names.filter((name, index) => names.indexOf(name) !== index);

  test("no two kinds share a kind, plural, singular or short name", () => {
    expect(duplicates(allKinds.map(({ kind }) => kind))).toEqual([]);
    const names = allKinds.flatMap(({ plural, singular, shortNames }) => [plural, singular, ...(shortNames ?? [])]);
    expect(duplicates(names)).toEqual([]);
  });

  test("no short name is one of Kubernetes itself or of the tools people run beside Krate (C-33)", () => {
    const taken = [
      "po",
      "svc",
      "ns",
      "no",
      "cm",
      "ep",
      "ev",
      "pv",
      "pvc",
      "sa",
      "rc",
      "rs",
      "ds",
      "sts",
      "deploy",
      "cj",
      "hpa",
      "pdb",
      "ing",
      "netpol",
      "crd",
      "crds",
      "csr",
      "pc",
      "sc",
      "limits",
      "quota",
      "vap",
      "vapb",
      "app",
      "apps",
      "appset",
      "cpol",
      "pol",
      "polr",
      "cpolr",
      "so",
      "sj",
    ];
    expect(allKinds.flatMap(({ shortNames }) => shortNames ?? []).filter((name) => taken.includes(name))).toEqual([]);
  });

  test("the folder of a kind is its name in kebab-case", () => {
    expect(["BranchProtection", "SSHKey", "AgentMcpServer"].map(kebabCase)).toEqual([
      "branch-protection",
      "ssh-key",
      "agent-mcp-server",
    ]);
  });
});

function isUnbounded(schema: StructuralSchema): boolean {
  if (schema.type === "string") return schema.maxLength === undefined && !schema.enum && schema.format !== "date-time";
  if (schema.type === "array") return schema.maxItems === undefined || isUnbounded(schema.items as StructuralSchema);
  if (schema.type === "object" && schema.additionalProperties) return schema.maxProperties === undefined;
  return false;
}
