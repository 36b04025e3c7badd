import { rename, writeFile } from "node:fs/promises";

/** Writes a file that others wait for: it is there whole or not at all. */
export async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
