import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The first column of the table in docs/architecture.md. */
export const layerNames = ["pure", "ports", "programs", "test only"] as const;
export type Layer = (typeof layerNames)[number];

/** Product code only: tests may import what they like. */
export const mayImport: Readonly<Record<Layer, readonly Layer[]>> = {
  pure: ["pure"],
  ports: ["pure", "ports"],
  programs: ["pure", "ports"],
  "test only": layerNames,
};

/** Node modules that do I/O or read a clock: no pure package imports one. */
export const ioModules: ReadonlySet<string> = new Set(
  ["child_process", "cluster", "dgram", "dns", "fs", "fs/promises", "http", "http2", "https", "net", "os", "process"]
    .concat(["readline", "repl", "sqlite", "timers", "timers/promises", "tls", "tty", "vm", "worker_threads"])
    .map((name) => `node:${name}`),
);

/** Files of a pure package that may: the command line of the generator. */
export const ioExceptions: ReadonlySet<string> = new Set(
  ["main", "read-samples", "write-files"].map((name) => `packages/codegen/src/${name}.ts`),
);

const table = "docs/architecture.md";

/**
 * Reads which layer each package is in from the table under "Layers" that people read, so the two cannot differ.
 * @throws when the table is not there or lacks a layer.
 */
export function readLayers(root: string): ReadonlyMap<string, Layer> {
  const section = readFileSync(join(root, table), "utf8")
    .split(/^## /m)
    .find((text) => text.startsWith("Layers\n"));
  const layers = new Map<string, Layer>();
  for (const name of layerNames) {
    const row = section?.split("\n").find((line) => line.startsWith(`| ${name} |`));
    if (row === undefined) throw new Error(`${table} has no row "| ${name} |" under "## Layers"`);
    const [, , packages = ""] = row.split("|");
    for (const [, member = ""] of packages.matchAll(/`([a-z0-9-]+)`/g)) layers.set(member, name);
  }
  return layers;
}
