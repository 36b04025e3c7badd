import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TemporaryFolder extends AsyncDisposable {
  path: string;
  /** Deletes the folder and all in it; also what `await using` does at the end of a block. */
  remove(): Promise<void>;
}

/**
 * A fresh folder (mode 0700) below the system's temporary folder, named `krate-<label>-…`.
 *
 * @example await using folder = await temporaryFolder("push");
 */
export async function temporaryFolder(label = "test"): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), `krate-${label}-`));
  const remove = () => rm(path, { recursive: true, force: true, maxRetries: 5 });
  return { path, remove, [Symbol.asyncDispose]: remove };
}
