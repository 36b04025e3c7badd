import { dirname, join, normalize } from "node:path";
import { type Check, judge } from "./check.ts";
import { findCycles } from "./cycles.ts";
import type { Import } from "./imports.ts";
import { ioExceptions, ioModules, type Layer, mayImport, readLayers } from "./layers.ts";
import { readWorkspace, type SourceModule, targetOf, type WorkspacePackage } from "./workspace.ts";

export const boundaries: Check = {
  name: "boundaries",
  promise: "imports follow the layer table, are declared, stay in their package, and make no cycle",
  async run({ root }) {
    const packages = readWorkspace(root);
    const layers = readLayers(root);
    const modules = packages.flatMap((pack) => pack.modules);
    const empty = packages
      .filter((pack) => pack.modules.length === 0)
      .map(({ folder }) => `${folder}: no module in src/`);
    const findings = [
      ...packages.flatMap((pack) => pack.broken),
      ...empty,
      ...packages.flatMap((pack) => findingsOf(pack, { packages, layers })),
      ...cyclesOf(packages),
    ];
    return judge(modules.length, "modules", findings, "see docs/architecture.md, Layers");
  },
};

interface Workspace {
  packages: readonly WorkspacePackage[];
  layers: ReadonlyMap<string, Layer>;
}

function findingsOf(pack: WorkspacePackage, workspace: Workspace): string[] {
  if (!workspace.layers.has(pack.name)) {
    return [`${pack.folder}: has no layer: add it to the table in docs/architecture.md`];
  }
  const wrongName =
    pack.manifest.name === `@krate/${pack.name}`
      ? []
      : [`${pack.folder}/package.json: name must be "@krate/${pack.name}"`];
  return [
    ...wrongName,
    ...pack.modules.flatMap((module) =>
      module.imports.flatMap((found) =>
        problemsWith(found, module, pack, workspace).map(
          (problem) => `${module.file}:${found.line}: "${found.specifier}": ${problem}`,
        ),
      ),
    ),
  ];
}

function problemsWith(
  { specifier, typeOnly }: Import,
  module: SourceModule,
  pack: WorkspacePackage,
  workspace: Workspace,
): string[] {
  const target = targetOf(specifier);
  switch (target.kind) {
    case "relative": {
      const path = normalize(join(dirname(module.file), target.path));
      return path.startsWith(`${pack.folder}/`) ? [] : ["relative import leaves its package"];
    }
    case "builtin": {
      const isPure = workspace.layers.get(pack.name) === "pure" && !module.isTest && !ioExceptions.has(module.file);
      return isPure && ioModules.has(target.name) ? ["a pure package does no I/O"] : [];
    }
    case "workspace":
      return workspaceProblems(target, module, pack, workspace);
    case "third party":
      return isDeclared(pack, target.name, { isTest: module.isTest, typeOnly })
        ? []
        : [undeclared(target.name, module, pack)];
  }
}

function workspaceProblems(
  { name, subpath }: { name: string; subpath: string },
  module: SourceModule,
  pack: WorkspacePackage,
  workspace: Workspace,
): string[] {
  const problems: string[] = [];
  if (subpath.split("/")[0] === "src") problems.push("reaches into src: import what the package exports");
  const other = workspace.packages.find((candidate) => candidate.name === name);
  if (!other) return [...problems, "no such package"];
  const exported = Object.keys(other.manifest.exports ?? {});
  if (problems.length === 0 && !exported.some((entry) => matchesExport(entry, subpath))) {
    problems.push(`not exported: ${other.folder}/package.json exports ${exported.join(", ") || "nothing"}`);
  }
  const layer = workspace.layers.get(pack.name);
  const otherLayer = workspace.layers.get(name);
  if (!module.isTest && name !== pack.name && layer && otherLayer && !mayImport[layer].includes(otherLayer)) {
    problems.push(`${layer} may import ${mayImport[layer].join(", ")}, not ${otherLayer}`);
  }
  if (name !== pack.name && !isDeclared(pack, `@krate/${name}`, { isTest: module.isTest, typeOnly: false })) {
    problems.push(undeclared(`@krate/${name}`, module, pack));
  }
  return problems;
}

function matchesExport(entry: string, subpath: string): boolean {
  const wanted = subpath === "" ? "." : `./${subpath}`;
  const [before = "", after] = entry.split("*");
  return after === undefined ? entry === wanted : wanted.startsWith(before) && wanted.endsWith(after);
}

/** Next resolves these itself. */
const nextMarkers: ReadonlySet<string> = new Set(["server-only", "client-only"]);

/** Tests may use what is declared for development, and Jest's globals, which the root brings for all. */
function isDeclared(
  pack: WorkspacePackage,
  name: string,
  { isTest, typeOnly }: { isTest: boolean; typeOnly: boolean },
): boolean {
  if (isTest && name === "@jest/globals") return true;
  if (nextMarkers.has(name)) return "next" in (pack.manifest.dependencies ?? {});
  const { dependencies, devDependencies, peerDependencies, optionalDependencies } = pack.manifest;
  const declared = { ...dependencies, ...peerDependencies, ...optionalDependencies };
  const forDevelopment = isTest || typeOnly ? { ...declared, ...devDependencies } : declared;
  const typesPackage = `@types/${name.replace(/^@([^/]+)\//, "$1__")}`;
  return name in forDevelopment || (typeOnly && typesPackage in forDevelopment);
}

function undeclared(name: string, { isTest }: SourceModule, { folder, manifest }: WorkspacePackage): string {
  if (!isTest && name in (manifest.devDependencies ?? {})) return `is a devDependency of ${folder}, needed at run time`;
  return `not declared in ${folder}/package.json`;
}

/** Between packages and between the modules of one package; type imports vanish and tests are leaves, so neither counts. */
function cyclesOf(packages: WorkspacePackage[]): string[] {
  const files = new Set(packages.flatMap((pack) => pack.modules.map(({ file }) => file)));
  const packageGraph = new Map<string, Set<string>>();
  const moduleGraph = new Map<string, Set<string>>();
  for (const pack of packages) {
    const used = new Set<string>();
    packageGraph.set(pack.folder, used);
    for (const { file, imports, isTest } of pack.modules) {
      if (isTest) continue;
      const next = new Set<string>();
      moduleGraph.set(file, next);
      for (const { specifier, typeOnly } of imports) {
        const target = targetOf(specifier);
        if (target.kind === "workspace" && target.name !== pack.name) used.add(`packages/${target.name}`);
        if (target.kind !== "relative" || typeOnly) continue;
        const path = normalize(join(dirname(file), target.path));
        if (files.has(path)) next.add(path);
      }
    }
  }
  return [...findCycles(packageGraph), ...findCycles(moduleGraph)].map((cycle) => `cycle: ${cycle.join(" -> ")}`);
}
