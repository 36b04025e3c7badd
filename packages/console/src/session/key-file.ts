import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const keyBytes = 32;

/**
 * The key that seals session cookies, 32 bytes, base64 in a file of mode 0600; made when the file does not exist. Two processes that
 * start at once end with the same key: the file appears whole, by a link that only one of them can make.
 * @throws {Error} when the file holds anything else.
 */
export function sessionKey(file: string): Uint8Array {
  const key = Buffer.from(readKey(file) ?? makeKey(file), "base64");
  if (key.length !== keyBytes)
    throw new Error(`${file} must hold ${keyBytes} bytes in base64: delete it to have it made`);
  return key;
}

function readKey(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`cannot read the key of session cookies, ${file}`, { cause: error });
  }
}

function makeKey(file: string): string {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, `${randomBytes(keyBytes).toString("base64")}\n`, { mode: 0o600 });
  try {
    linkSync(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  return readFileSync(file, "utf8").trim();
}
