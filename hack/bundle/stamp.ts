import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a bundle was made of: `files` are relative to the repository root, folders end in `/`. */
interface StampFile {
  stamp: string;
  files: string[];
}

const stampName = ".build.json";

/** Digests of files, each read once per run however many bundles share it. */
export class Digests {
  readonly #root: string;
  readonly #known = new Map<string, string>();

  constructor(root: string) {
    this.#root = root;
  }

  /** A digest over `base` (settings, versions) and the names and contents of `files`; undefined when one is missing. */
  over(base: string, files: readonly string[]): string | undefined {
    const hash = createHash("sha256").update(base);
    for (const file of files) {
      const digest = this.#of(file);
      if (digest === undefined) return undefined;
      hash.update(`\0${file}\0${digest}`);
    }
    return hash.digest("hex");
  }

  #of(file: string): string | undefined {
    const known = this.#known.get(file);
    if (known !== undefined) return known;
    const path = join(this.#root, file);
    if (!existsSync(path)) return undefined;
    const digest = statSync(path).isDirectory() ? this.#ofFolder(path) : digestOf(readFileSync(path));
    this.#known.set(file, digest);
    return digest;
  }

  #ofFolder(path: string): string {
    const hash = createHash("sha256");
    for (const name of (readdirSync(path, { recursive: true }) as string[]).sort()) {
      const file = join(path, name);
      if (statSync(file).isFile()) hash.update(`\0${name}\0`).update(digestOf(readFileSync(file)));
    }
    return hash.digest("hex");
  }
}

function digestOf(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/** True when `dist` was built from exactly the present content of its inputs. */
export function isCurrent(dist: string, base: string, digests: Digests): boolean {
  const file = join(dist, stampName);
  if (!existsSync(file) || !existsSync(join(dist, "main.mjs"))) return false;
  const { stamp, files } = JSON.parse(readFileSync(file, "utf8")) as StampFile;
  return digests.over(base, files) === stamp;
}

/** Records the inputs of a finished build. `dist` may be a temporary folder that is renamed afterwards. */
export function writeStamp(dist: string, base: string, files: readonly string[], digests: Digests): void {
  const sorted = [...new Set(files)].sort();
  const stamp = digests.over(base, sorted);
  if (stamp === undefined) throw new Error(`an input of ${dist} vanished while it was built: build again`);
  writeFileSync(join(dist, stampName), JSON.stringify({ stamp, files: sorted } satisfies StampFile));
}
