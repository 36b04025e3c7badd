import { randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type BackendRepository, syncDirectory } from "@krate/git";
import { lfsFolder } from "./file-store.ts";

/**
 * The name a repository has in a bucket, kept in `<repository>/krate/lfs/storage-id`: it goes when the repository's data is deleted,
 * so that whoever gets the name next finds nothing of what was there, and stays when the data is retained and adopted.
 */
export async function storageIdOf(repository: BackendRepository): Promise<string | undefined> {
  try {
    return (await readFile(fileOf(repository), "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Likewise, making one if there is none. Of several gateways at once the first one's stands. */
export async function ensureStorageId(repository: BackendRepository): Promise<string> {
  const existing = await storageIdOf(repository);
  if (existing !== undefined) return existing;
  const folder = lfsFolder(repository);
  await mkdir(folder, { recursive: true });
  const id = randomUUID();
  const temporary = join(folder, `.${id}`);
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(`${id}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(temporary, fileOf(repository));
    await syncDirectory(folder);
    return id;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return (await storageIdOf(repository)) ?? ensureStorageId(repository);
  } finally {
    await rm(temporary, { force: true });
  }
}

function fileOf(repository: BackendRepository): string {
  return join(lfsFolder(repository), "storage-id");
}
