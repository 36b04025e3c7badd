/** Text of a workflow file → `Workflow`. */
import { isMap, isScalar, isSeq, type Node } from "yaml";
import { expandMatrix } from "./matrix.ts";
import { type EventFilter, type Workflow, WorkflowError, type WorkflowJob, type WorkflowStep } from "./workflow.ts";
import { YamlReader } from "./yaml-reader.ts";

const maxJobs = 256;
const maxSteps = 256;
const jobIdPattern = /^[A-Za-z_][A-Za-z0-9_-]{0,99}$/;

const workflowKeys = [
  "name",
  "run-name",
  "on",
  "true",
  "env",
  "defaults",
  "jobs",
  "permissions",
  "concurrency",
] as const;
const jobKeys = [
  "name",
  "needs",
  "if",
  "runs-on",
  "env",
  "defaults",
  "steps",
  "outputs",
  "timeout-minutes",
  "continue-on-error",
  "strategy",
  "permissions",
  "concurrency",
] as const;
const stepKeys = [
  "name",
  "id",
  "if",
  "run",
  "uses",
  "with",
  "env",
  "shell",
  "working-directory",
  "continue-on-error",
  "timeout-minutes",
] as const;
const filterKeys = [
  "branches",
  "branches-ignore",
  "tags",
  "tags-ignore",
  "paths",
  "paths-ignore",
  "types",
  "inputs",
] as const;

/**
 * Reads a workflow file.
 * @throws WorkflowError that names every problem with line and column
 */
export function parseWorkflow(text: string, file: string): Workflow {
  const reader = new YamlReader(text);
  const workflow = reader.root ? readWorkflow(reader) : undefined;
  if (reader.problems.length > 0 || !workflow) throw new WorkflowError(file, reader.problems);
  return workflow;
}

function readWorkflow(reader: YamlReader): Workflow | undefined {
  const members = reader.members(reader.root, "the workflow", workflowKeys);
  // YAML 1.1 readers turn the key `on` into true; this one does not, but files written for them may say "true".
  const on = members.get("on") ?? members.get("true");
  const jobsNode = members.get("jobs");
  if (!on) return reader.fail(reader.root, 'the workflow needs "on": the events that start it');
  if (!jobsNode) return reader.fail(reader.root, 'the workflow needs "jobs"');
  const defaults = readDefaults(reader, members.get("defaults"));
  const jobNodes = reader.members(jobsNode, "jobs");
  if (jobNodes.size === 0 || jobNodes.size > maxJobs) {
    return reader.fail(jobsNode, `jobs must name 1 to ${maxJobs} jobs`);
  }
  const jobs = [...jobNodes].map(([id, node]) => readJob(reader, id, node, defaults));
  checkNeeds(reader, jobs, jobNodes);
  const name = members.get("name");
  return {
    ...(name && { name: reader.text(name, "name") ?? "" }),
    on: readTriggers(reader, on),
    env: members.has("env") ? reader.textMap(members.get("env"), "env") : {},
    jobs,
  };
}

function readTriggers(reader: YamlReader, node: Node): Record<string, EventFilter> {
  if (isScalar(node) || isSeq(node)) return Object.fromEntries(reader.texts(node, "on").map((event) => [event, {}]));
  const triggers: Record<string, EventFilter> = {};
  for (const [event, value] of reader.members(node, "on"))
    triggers[event] = isMap(value) ? readFilter(reader, event, value) : {};
  return triggers;
}

function readFilter(reader: YamlReader, event: string, node: Node): EventFilter {
  const members = reader.members(node, `on.${event}`, filterKeys);
  const list = (key: string) => (members.has(key) ? reader.texts(members.get(key), `on.${event}.${key}`) : undefined);
  const filter = {
    branches: list("branches"),
    branchesIgnore: list("branches-ignore"),
    tags: list("tags"),
    tagsIgnore: list("tags-ignore"),
  };
  for (const key of ["paths", "paths-ignore"]) {
    if (members.has(key))
      reader.fail(members.get(key), `on.${event}.${key} is not supported yet: filter by branches or tags`);
  }
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}

interface Defaults {
  shell?: string;
  workingDirectory?: string;
}

function readDefaults(reader: YamlReader, node: Node | undefined): Defaults {
  if (!node) return {};
  const run = reader.members(node, "defaults", ["run"]).get("run");
  if (!run) return {};
  const members = reader.members(run, "defaults.run", ["shell", "working-directory"]);
  const shell = members.get("shell");
  const workingDirectory = members.get("working-directory");
  return {
    ...(shell && { shell: reader.text(shell, "shell") ?? "" }),
    ...(workingDirectory && { workingDirectory: reader.text(workingDirectory, "working-directory") ?? "" }),
  };
}

function readJob(reader: YamlReader, id: string, node: Node, inherited: Defaults): WorkflowJob {
  const what = `jobs.${id}`;
  const members = reader.members(node, what, jobKeys);
  if (!jobIdPattern.test(id))
    reader.fail(node, `job id "${id}" must be letters, digits, - and _, starting with a letter or _`);
  const text = (key: string) => (members.has(key) ? reader.text(members.get(key), `${what}.${key}`) : undefined);
  const stepNodes = members.has("steps") ? reader.list(members.get("steps"), `${what}.steps`) : [];
  if (stepNodes.length === 0 || stepNodes.length > maxSteps) reader.fail(node, `${what} needs 1 to ${maxSteps} steps`);
  const timeout = members.get("timeout-minutes");
  const strategy = members.get("strategy");
  const name = text("name");
  const condition = text("if");
  return {
    id,
    ...(name && { name }),
    ...(condition && { if: condition }),
    needs: members.has("needs") ? reader.texts(members.get("needs"), `${what}.needs`) : [],
    env: members.has("env") ? reader.textMap(members.get("env"), `${what}.env`) : {},
    ...inherited,
    ...readDefaults(reader, members.get("defaults")),
    steps: stepNodes.map((step, index) => readStep(reader, `${what}.steps[${index}]`, step)),
    outputs: members.has("outputs") ? reader.textMap(members.get("outputs"), `${what}.outputs`) : {},
    ...(timeout && { timeoutSeconds: Math.ceil((reader.number(timeout, `${what}.timeout-minutes`) ?? 1) * 60) }),
    continueOnError: members.has("continue-on-error")
      ? (reader.boolean(members.get("continue-on-error"), `${what}.continue-on-error`) ?? false)
      : false,
    matrix: strategy ? expandMatrix(reader, strategy, what) : [{}],
  };
}

function readStep(reader: YamlReader, what: string, node: Node): WorkflowStep {
  const members = reader.members(node, what, stepKeys);
  const text = (key: string) => (members.has(key) ? reader.text(members.get(key), `${what}.${key}`) : undefined);
  if (members.has("run") === members.has("uses")) reader.fail(node, `${what} needs either "run" or "uses"`);
  const run = text("run");
  const uses = text("uses");
  const timeout = members.get("timeout-minutes");
  const step = {
    name: text("name") ?? (uses ? uses : (run ?? "").split("\n")[0]?.slice(0, 100)) ?? "step",
    id: text("id"),
    if: text("if"),
    run,
    uses,
    with: members.has("with") ? reader.textMap(members.get("with"), `${what}.with`) : undefined,
    env: members.has("env") ? reader.textMap(members.get("env"), `${what}.env`) : undefined,
    shell: text("shell"),
    workingDirectory: text("working-directory"),
    continueOnError: members.has("continue-on-error")
      ? reader.boolean(members.get("continue-on-error"), `${what}.continue-on-error`)
      : undefined,
    timeoutSeconds: timeout ? Math.ceil((reader.number(timeout, `${what}.timeout-minutes`) ?? 1) * 60) : undefined,
  };
  return Object.fromEntries(Object.entries(step).filter(([, value]) => value !== undefined)) as unknown as WorkflowStep;
}

/** Needs must exist and must not go round in a circle. */
function checkNeeds(reader: YamlReader, jobs: readonly WorkflowJob[], nodes: ReadonlyMap<string, Node>): void {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const settled = new Set<string>();
  const visit = (job: WorkflowJob, path: readonly string[]): void => {
    if (settled.has(job.id)) return;
    if (path.includes(job.id)) {
      reader.fail(nodes.get(job.id), `jobs need each other in a circle: ${[...path, job.id].join(" → ")}`);
      return;
    }
    for (const need of job.needs) {
      const needed = byId.get(need);
      if (needed) visit(needed, [...path, job.id]);
      else reader.fail(nodes.get(job.id), `jobs.${job.id} needs "${need}", which is not a job of this workflow`);
    }
    settled.add(job.id);
  };
  for (const job of jobs) visit(job, []);
}
