import { spawn } from "node:child_process";

export interface ToolResult {
  code: number;
  /** Standard output and standard error, without colours. */
  output: string;
}

/** Runs a tool of `node_modules/.bin` (or of PATH) in `cwd`. @throws when it cannot be started. */
export function runTool(
  cwd: string,
  file: string,
  args: readonly string[],
  extraEnv: Record<string, string> = {},
): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...extraEnv, NO_COLOR: "1", FORCE_COLOR: undefined };
    const child = spawn(file, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        output += chunk;
      });
    }
    child.on("error", (cause) => reject(new Error(`cannot run ${file}: is node_modules installed?`, { cause })));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

/** The lines that carry something. */
export function lines(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}
