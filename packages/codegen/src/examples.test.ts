import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, test } from "@jest/globals";
import { allKinds, apiVersionOf } from "@krate/kinds";
import { parse, parseAllDocuments } from "yaml";
import { objectSchemaOf } from "./object-schema.ts";
import { validatorOf } from "./testing/validator.ts";

const folder = join(import.meta.dirname, "../../../examples");
const manifests = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

test.each(manifests)("%s holds valid objects of Krate that leave the namespace to the kubeconfig", (name) => {
  const documents = parseAllDocuments(readFileSync(join(folder, name), "utf8"));
  expect(documents.length).toBeGreaterThan(0);
  for (const document of documents) {
    const object = document.toJS() as { apiVersion: string; kind: string; metadata: Record<string, unknown> };
    const kind = allKinds.find((candidate) => candidate.kind === object.kind);
    if (!kind) throw new Error(`${name} holds ${object.kind}, which is no kind of Krate`);
    expect(object.apiVersion).toBe(apiVersionOf(kind));
    expect(validatorOf(objectSchemaOf(kind))(object)).toEqual([]);
    expect(object.metadata).not.toHaveProperty("namespace");
  }
});

test("the example workflow has two jobs, one of which needs the other", () => {
  const workflow = parse(readFileSync(join(folder, "workflows/ci.yaml"), "utf8"));
  expect(Object.keys(workflow.jobs)).toEqual(["test", "package"]);
  expect(workflow.jobs.package.needs).toBe("test");
  expect(workflow.jobs.test.steps[0].uses).toMatch(/^actions\/checkout@/);
});

test("every example is named in the README, or in that of its folder", () => {
  const readme = readFileSync(join(folder, "README.md"), "utf8");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".yaml") && !name.includes("node_modules"),
  );
  const unnamed = files.filter((name) => {
    const own = join(folder, dirname(name), "README.md");
    const isNamedThere = existsSync(own) && readFileSync(own, "utf8").includes(basename(name));
    return !readme.includes(`\`${name}\``) && !isNamedThere;
  });
  expect(unnamed).toEqual([]);
});
