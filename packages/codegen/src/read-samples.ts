import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Kind } from "@krate/kinds";
import type { Samples } from "./docs/reference.ts";
import { kebabCase } from "./file-name.ts";

/** Reads `packages/kinds/src/<group>/<version>/<kind>/samples/*.yaml`; the first file by name is the kind's example. */
export function readSamples(root: string, kinds: readonly Kind[]): Samples {
  return new Map(kinds.map((kind) => [kind.kind, readFolder(samplesFolder(root, kind))]));
}

function samplesFolder(root: string, kind: Kind): string {
  const group = kind.storage === "etcd" ? "krate" : "forge";
  return join(root, "packages/kinds/src", group, kind.version, kebabCase(kind.kind), "samples");
}

function readFolder(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map((name) => readFileSync(join(folder, name), "utf8"));
}
