import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { generatedNotice, type OutputFile } from "./output-file.ts";

/** What separates the working tree from the generators' output. */
export interface Difference {
  path: string;
  change: "missing" | "changed" | "stale";
}

/** Compares `files` with the tree below `root`; files in `ownedFolders` that bear the generated notice and no generator writes are stale. */
export function differences(root: string, files: readonly OutputFile[], ownedFolders: readonly string[]): Difference[] {
  const wanted = new Set(files.map(({ path }) => path));
  const outdated = files.flatMap(({ path, content }): Difference[] => {
    const file = join(root, path);
    if (!existsSync(file)) return [{ path, change: "missing" }];
    return readFileSync(file, "utf8") === content ? [] : [{ path, change: "changed" }];
  });
  const stale = ownedFolders
    .flatMap((folder) => filesIn(root, folder))
    .filter((path) => !wanted.has(path) && readFileSync(join(root, path), "utf8").includes(generatedNotice))
    .map((path): Difference => ({ path, change: "stale" }));
  return [...outdated, ...stale];
}

/** Brings the tree up to date. */
export function applyDifferences(root: string, files: readonly OutputFile[], found: readonly Difference[]): void {
  const content = new Map(files.map((file) => [file.path, file.content]));
  for (const { path } of found) {
    const file = join(root, path);
    const text = content.get(path);
    if (text === undefined) {
      rmSync(file);
    } else {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }
}

function filesIn(root: string, folder: string): string[] {
  const absolute = join(root, folder);
  if (!existsSync(absolute)) return [];
  return readdirSync(absolute, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}
