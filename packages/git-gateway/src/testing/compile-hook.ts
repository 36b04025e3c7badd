import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const folder = fileURLToPath(new URL("../../../../examples/hooks/", import.meta.url));

/** Compiles one of examples/hooks with the options a user has there. */
export async function compileExampleHook(name: string): Promise<Uint8Array> {
  const outputs = new Map<string, Uint8Array>();
  const { error, stderr } = await asc.main([`${name}.ts`, "--baseDir", folder, "--outFile", `${name}.wasm`], {
    readFile: (file, base) => {
      const path = join(base, file);
      // Nothing but the example and its configuration: what else is asked for is looked up by the compiler itself.
      return path.startsWith(folder) ? readText(path) : null;
    },
    writeFile: (file, content) => {
      outputs.set(file, typeof content === "string" ? Buffer.from(content) : content);
    },
    listFiles: () => null,
  });
  const bytes = outputs.get(`${name}.wasm`);
  if (error || !bytes)
    throw new Error(`examples/hooks/${name}.ts does not compile: ${stderr.toString()}`, { cause: error });
  return bytes;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
