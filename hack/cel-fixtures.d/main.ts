import { execFile, spawn } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { repositoryRoot } from "../../packages/testing/src/control-plane/index.ts";
import { definitions } from "./definitions.ts";
import { estimatedRules, type Rule, schemas } from "./estimates.ts";
import { generatedExpressions } from "./generate.ts";
import { specificationExpressions } from "./specification.ts";
import { world } from "./world.ts";

const help = `hack/cel-fixtures: regenerates packages/apimachinery/src/cel/testdata from Kubernetes' own CEL implementation

Evaluates hack/cel-fixtures.d/expressions/*.cel (one expression a line, # comments), generated expressions and those of
the CEL specification with k8s.io/apiserver/pkg/cel, in Go; estimates what rules may cost and judges definitions with
rules with k8s.io/apiextensions-apiserver. Needs Go on PATH; the first build takes minutes.

  --check    writes nothing; exit code 1 when the files are not what would be written

examples:
  hack/cel-fixtures
  hack/cel-fixtures --check
`;

const folder = join(repositoryRoot, "hack/cel-fixtures.d");
const target = join(repositoryRoot, "packages/apimachinery/src/cel/testdata");

interface Result {
  issues?: { line: number; column: number; message: string }[];
  program?: string;
  type?: string;
  value?: unknown;
  error?: string;
  cost: number;
  /** cel-go itself crashed. */
  panic?: string;
  /** Two evaluations differ: Go walks over maps in random order. */
  unstable?: boolean;
}

/** Expressions of the mutating environment start with `@mutating `, ones of several lines are a JSON string after `@json `. */
function parseExpressions(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
}

function toRequest(line: string): { text: string; mutating: boolean } {
  const mutating = line.startsWith("@mutating ");
  const rest = mutating ? line.slice("@mutating ".length) : line;
  return { text: rest.startsWith("@json ") ? (JSON.parse(rest.slice("@json ".length)) as string) : rest, mutating };
}

/** Protocol buffer messages, a set of their own: no object of Kubernetes holds any. */
const aboutMessages = /google\.protobuf\.(?!(Timestamp|Duration)\b(?!\{))/;

/** Sets of expressions by name, each without repetition. */
async function readSets(): Promise<Map<string, string[]>> {
  const sets = new Map<string, string[]>();
  const files = (await readdir(join(folder, "expressions"))).filter((name) => name.endsWith(".cel")).sort();
  for (const file of files) {
    const lines = parseExpressions(await readFile(join(folder, "expressions", file), "utf8"));
    sets.set(basename(file, ".cel"), [...new Set(lines)]);
  }
  sets.set("generated", generatedExpressions());
  sets.set("specification", await specificationExpressions());
  const messages: string[] = [];
  for (const [name, lines] of sets) {
    messages.push(...lines.filter((line) => aboutMessages.test(line)));
    sets.set(
      name,
      lines.filter((line) => !aboutMessages.test(line)),
    );
  }
  return sets.set("messages", [...new Set(messages)]);
}

const goEnvironment = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off" };

interface Response {
  results: Result[];
  estimates: { min: string; max: string; cardinality: string; refused: boolean }[];
  findings: { field: string; message: string }[][];
}

async function evaluate(lines: readonly string[], rules: readonly Rule[]): Promise<Response> {
  const request = JSON.stringify({ ...world, expressions: lines.map(toRequest), schemas, rules, definitions });
  const child = spawn("go", ["run", "-trimpath", "-buildvcs=false", "."], {
    cwd: join(folder, "module"),
    env: goEnvironment,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`the Go program ended with ${code}`))));
  });
  child.stdin.end(request);
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  await ended;
  return JSON.parse(Buffer.concat(chunks).toString("utf8")) as Response;
}

/** One case a line, so that a change shows as one. */
function present(line: string, { issues, program, type, value, error, cost, panic }: Result): string {
  const { text, mutating } = toRequest(line);
  return JSON.stringify({
    e: text,
    ...(mutating && { mutating }),
    ...(issues && { issues: issues.map((issue) => [issue.line, issue.column, issue.message]) }),
    ...(program !== undefined && { program }),
    ...(type !== undefined && { t: type }),
    ...(value !== undefined && { v: value }),
    ...(error !== undefined && { error }),
    ...(type !== undefined && { c: cost }),
    ...(panic !== undefined && { panic }),
  });
}

/** Rules that do not compile have no numbers. */
function presentEstimates(note: string, rules: readonly Rule[], estimates: Response["estimates"]): string {
  const cases = rules.map(({ schema, text }, index) => {
    const { min, max, cardinality, refused } = estimates[index] as Response["estimates"][number];
    return JSON.stringify({ s: schema, e: text, ...(!refused && { min, max, cardinality }) });
  });
  const start = `{"$comment": ${JSON.stringify(note)},\n"schemas": ${JSON.stringify(schemas)},\n"cases": [\n`;
  return `${start}${cases.join(",\n")}\n]}\n`;
}

/** Errors in the order of their fields: Kubernetes' is that of a map in Go. */
function presentDefinitions(note: string, findings: Response["findings"]): string {
  const cases = definitions.map((schema, index) => {
    const errors = (findings[index] ?? []).map(({ field, message }) => [field, message]).sort();
    return JSON.stringify({ schema, errors });
  });
  return `{"$comment": ${JSON.stringify(note)},\n"cases": [\n${cases.join(",\n")}\n]}\n`;
}

async function versions(): Promise<string> {
  const args = ["list", "-m", "-f", "{{.Path}} {{.Version}}", "k8s.io/apiserver", "github.com/google/cel-go"];
  const { stdout } = await promisify(execFile)("go", args, { cwd: join(folder, "module"), env: goEnvironment });
  return stdout.trim().split("\n").join(", ");
}

async function generate(): Promise<Map<string, string>> {
  const sets = await readSets();
  const rules = estimatedRules();
  const { results, estimates, findings } = await evaluate([...sets.values()].flat(), rules);
  const note = `Generated by hack/cel-fixtures with ${await versions()}; do not edit.`;
  const files = new Map<string, string>();
  let at = 0;
  for (const [name, lines] of sets) {
    const answers = lines.map((line) => ({ line, result: results[at++] as Result }));
    const cases = answers.filter(({ result }) => !result.unstable).map(({ line, result }) => present(line, result));
    files.set(`${name}.json`, `{"$comment": ${JSON.stringify(note)},\n"cases": [\n${cases.join(",\n")}\n]}\n`);
  }
  files.set("estimates.json", presentEstimates(note, rules, estimates));
  files.set("definitions.json", presentDefinitions(note, findings));
  files.set("world.json", `${JSON.stringify({ $comment: note, ...world }, undefined, 1)}\n`);
  return files;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { help: { type: "boolean", short: "h" }, check: { type: "boolean" } } });
  if (values.help) return void console.log(help);
  const files = await generate();
  const present = await readdir(target).catch(() => [] as string[]);
  const stale = present.filter((name) => !files.has(name));
  if (values.check) {
    for (const [name, text] of files) {
      const known = await readFile(join(target, name), "utf8").catch(() => undefined);
      if (known !== text) throw new Error(`${name} is not current: run hack/cel-fixtures`);
    }
    if (stale.length > 0) throw new Error(`${stale.join(", ")} would not be written: run hack/cel-fixtures`);
    return void console.log(`${target} is current`);
  }
  await mkdir(target, { recursive: true });
  for (const name of stale) await rm(join(target, name));
  for (const [name, text] of files) {
    await writeFile(join(target, name), text);
    console.log(`${name}: ${Math.round(text.length / 1024)} KiB`);
  }
}

try {
  await main();
} catch (error) {
  console.error(`hack/cel-fixtures: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
