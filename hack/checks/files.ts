import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";

const skippedFolders = new Set(["node_modules", "dist", "coverage", ".git", ".cache", ".krate", ".next", ".turbo"]);

export interface FileSearch {
  /** Folders or files relative to the root; one that does not exist is passed over. */
  in: readonly string[];
  /** Kept when the path relative to the root matches. */
  matching: RegExp;
}

/** Files of the working tree, as sorted paths relative to the root; never installed, built or cached ones. */
export function findFiles(root: string, { in: places, matching }: FileSearch): string[] {
  const found: string[] = [];
  const walk = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!skippedFolders.has(entry.name) && !entry.name.startsWith(".dist-")) walk(path);
      } else if (matching.test(relative(root, path))) found.push(relative(root, path));
    }
  };
  for (const place of places) if (existsSync(join(root, place))) walk(join(root, place));
  return found.sort();
}
