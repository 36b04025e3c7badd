import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { allKinds } from "@krate/kinds";
import { consoleDescriptors } from "@krate/kinds/console";
import { temporaryFolder } from "@krate/testing";
import { allGenerators, generatedFolders } from "./generators.ts";
import { openApiNameOf, openApiSchemaOf } from "./object-schema.ts";
import { composeGenerators, generatedNotice } from "./output-file.ts";
import { readSamples } from "./read-samples.ts";
import { structuralSchema } from "./structural-schema.ts";
import { applyDifferences, differences } from "./write-files.ts";

const root = join(import.meta.dirname, "../../..");
const generate = allGenerators(readSamples(root, allKinds));

describe("generated files", () => {
  const files = generate(allKinds);

  test("are up to date in this checkout", () => {
    expect(differences(root, files, generatedFolders)).toEqual([]);
  });

  test("are the same bytes every time", () => {
    expect(generate(allKinds)).toEqual(files);
  });

  test("say on their first line that nobody edits them", () => {
    expect(files.filter(({ content }) => !content.split("\n")[0]?.includes(generatedNotice))).toEqual([]);
  });

  test("are one CRD per configuration kind and none per record", () => {
    const crds = files.filter(({ path }) => path.startsWith("crds/"));
    expect(crds).toHaveLength(allKinds.filter(({ storage }) => storage === "etcd").length);
  });

  test("of one path by two generators are a mistake", () => {
    const one = () => [{ path: "a", content: "" }];
    expect(() => composeGenerators(one, one)([])).toThrow("two generators write a");
  });
});

describe("writing", () => {
  test("creates what is missing, replaces what changed, removes what is stale, and is then done", async () => {
    await using folder = await temporaryFolder();
    const files = [
      { path: "out/same.txt", content: "same" },
      { path: "out/new.txt", content: "new" },
      { path: "out/changed.txt", content: "after" },
    ];
    mkdirSync(join(folder.path, "out"));
    writeFileSync(join(folder.path, "out/same.txt"), "same");
    writeFileSync(join(folder.path, "out/changed.txt"), "before");
    writeFileSync(join(folder.path, "out/stale.txt"), `# ${generatedNotice}\n`);
    writeFileSync(join(folder.path, "out/by-hand.txt"), "a person's");
    const found = differences(folder.path, files, ["out"]);
    expect(found).toEqual([
      { path: "out/new.txt", change: "missing" },
      { path: "out/changed.txt", change: "changed" },
      { path: "out/stale.txt", change: "stale" },
    ]);
    applyDifferences(folder.path, files, found);
    expect(differences(folder.path, files, ["out"])).toEqual([]);
  });
});

test("a keyword structural schemas do not have is refused with its path", () => {
  const schema = { type: "object", properties: { mode: { const: "a" } } };
  expect(() => structuralSchema(schema, "Thing.spec")).toThrow("Thing.spec.mode uses const");
});

test("an OpenAPI schema names its kind and refers to ObjectMeta", () => {
  const kind = allKinds.find(({ kind }) => kind === "PullRequest");
  if (!kind) throw new Error("no PullRequest");
  expect(openApiNameOf(kind)).toBe("ai.a5c.krate.forge.v1alpha1.PullRequest");
  const schema = openApiSchemaOf(kind);
  expect(schema["x-kubernetes-group-version-kind"]).toEqual([
    { group: "forge.krate.a5c.ai", version: "v1alpha1", kind: "PullRequest" },
  ]);
  expect(schema.properties?.metadata).toMatchObject({ allOf: [{ $ref: expect.stringContaining("ObjectMeta") }] });
});

test("the console knows every kind: columns end with Age, forms have help", () => {
  expect(Object.keys(consoleDescriptors)).toEqual(allKinds.map(({ kind }) => kind));
  for (const { columns, fields, sample } of Object.values(consoleDescriptors)) {
    expect(columns.at(-1)?.name).toBe("Age");
    expect(fields.every(({ help }) => help !== "")).toBe(true);
    expect(sample).toContain("apiVersion:");
  }
});
