/** Runs the commands of the demo as a person would type them: prints each, prints what came back, checks the exit code. */
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  cwd?: string;
  /** Added to the shell's environment. */
  env?: Record<string, string>;
  /** Given to the command's standard input. */
  input?: string;
  /** `success` (default) and `failure` throw when the exit code says otherwise; `any` never does. */
  expect?: "success" | "failure" | "any";
  /** Not printed: for polling and preparation. */
  quiet?: boolean;
}

const outputLimitCharacters = 4000;

export class DemoError extends Error {}

function shown(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}

/** A shell with a fixed environment; `label` names who types (admin, alice, bob). */
export class DemoShell {
  readonly #env: NodeJS.ProcessEnv;
  readonly #print: (line: string) => void;

  constructor(options: { env: NodeJS.ProcessEnv; print: (line: string) => void }) {
    this.#env = options.env;
    this.#print = options.print;
  }

  say(text: string): void {
    this.#print(`\n# ${text}`);
  }

  /** Runs a command; throws `DemoError` with both outputs when its exit code is not the expected one. */
  async run(command: string, args: string[], options: CommandOptions = {}): Promise<CommandResult> {
    const line = [command, ...args].map(shown).join(" ");
    if (!options.quiet) this.#print(`$ ${line}`);
    const result = await this.#spawn(command, args, options);
    if (!options.quiet) this.#printOutput(result);
    const expected = options.expect ?? "success";
    const failed = result.code !== 0;
    if ((expected === "success" && failed) || (expected === "failure" && !failed)) {
      throw new DemoError(
        `"${line}" was expected to ${expected === "success" ? "succeed" : "be refused"} but ended with ${result.code}\n${result.stdout}${result.stderr}`,
      );
    }
    return result;
  }

  /** Repeats a quiet command until `done` accepts its output, then runs it once more visibly. */
  async until(
    command: string,
    args: string[],
    done: (result: CommandResult) => boolean,
    options: CommandOptions & { timeoutSeconds: number; what: string },
  ): Promise<CommandResult> {
    const deadline = Date.now() + options.timeoutSeconds * 1000;
    for (;;) {
      const result = await this.run(command, args, { ...options, quiet: true, expect: "any" });
      if (done(result)) break;
      if (Date.now() > deadline) {
        throw new DemoError(
          `${options.what} did not happen within ${options.timeoutSeconds} s; last answer of "${command} ${args.join(" ")}":\n${result.stdout}${result.stderr}`,
        );
      }
      await sleep(200);
    }
    return this.run(command, args, options);
  }

  #spawn(command: string, args: string[], options: CommandOptions): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      const child = spawn(command, args, {
        cwd: options.cwd,
        env: { ...this.#env, ...options.env },
        stdio: ["pipe", "pipe", "pipe"],
      });
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
      child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
      child.on("error", (cause) =>
        reject(new DemoError(`cannot run ${command}: ${cause.message}; is it installed?`, { cause })),
      );
      child.on("close", (code) =>
        resolve({ code: code ?? 1, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
      );
      child.stdin.on("error", () => {});
      child.stdin.end(options.input ?? "");
    });
  }

  #printOutput({ stdout, stderr }: CommandResult): void {
    const text = `${stdout}${stderr}`.trimEnd();
    if (text === "") return;
    const cut = text.length > outputLimitCharacters ? `${text.slice(0, outputLimitCharacters)}\n…` : text;
    this.#print(cut.replace(/^/gm, "  "));
  }
}
