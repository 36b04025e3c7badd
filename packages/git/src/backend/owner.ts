import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { isBranchName } from "../wire/ref-name.ts";
import { BackendConflictError, type RepositoryIdentity } from "./git-backend.ts";

/** Whose repository this is: `krate/owner.json` in it. */
export interface Owner {
  uid?: string;
  retained?: boolean;
  /** Where the folder's name does not say it. */
  namespace?: string;
  name?: string;
}

export async function readOwner(gitDir: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(join(gitDir, "krate", "owner.json"), "utf8")) as Owner;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

export async function writeOwner(gitDir: string, owner: Owner): Promise<void> {
  const folder = join(gitDir, "krate");
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `owner.json.${randomUUID()}`);
  const file = await open(temporary, "w");
  try {
    await file.writeFile(`${JSON.stringify(owner)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, "owner.json"));
}

/**
 * Makes a repository that is there the one of `identity.uid`. Answers how it came to be.
 * @throws {BackendConflictError} when another live Repository owns it
 */
export async function claim(
  gitDir: string,
  identity: RepositoryIdentity,
  owner: Owner,
): Promise<"Unchanged" | "AdoptedExisting"> {
  if (owner.uid === identity.uid && !owner.retained) return "Unchanged";
  if (owner.uid !== undefined && identity.uid !== undefined && owner.uid !== identity.uid && !owner.retained) {
    throw new BackendConflictError(identity);
  }
  const { retained: _, ...rest } = owner;
  await writeOwner(gitDir, { ...rest, uid: identity.uid ?? owner.uid });
  return owner.retained ? "AdoptedExisting" : "Unchanged";
}

export const nameParts = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** @throws {TypeError} when a name is not DNS-1123 and so could leave the folder of repositories */
export function requireNames(identity: RepositoryIdentity): void {
  for (const part of [identity.namespace, identity.name]) {
    if (!nameParts.test(part) || part.includes(".."))
      throw new TypeError(`${JSON.stringify(part)} is not a DNS-1123 name and cannot name a repository`);
  }
}

export function requireBranchName(branch: string): void {
  if (!isBranchName(branch)) throw new TypeError(`${JSON.stringify(branch)} is not a valid branch name`);
}
