/** One client of a run: chooses at random what to ask which replica for, and writes down what it was answered. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer, Client as HttpClient, RequestParts } from "../replicas/http-client.ts";
import {
  collectionPath,
  colors,
  keys,
  manifest,
  namespaces,
  objectPath,
  patchOf,
  revisionOf,
  scopeQuery,
  seenOf,
} from "./objects.ts";
import type { Random } from "./random.ts";
import {
  type Get,
  type List,
  type Operation,
  type Outcome,
  type Resource,
  resources,
  type Scope,
  type State,
  type Write,
} from "./record.ts";

export interface ClientOptions {
  number: number;
  random: Random;
  replicas: readonly HttpClient[];
  record: (operation: Operation) => void;
  signal: AbortSignal;
}

const weights = { get: 20, list: 8, pages: 4, create: 14, update: 18, patch: 16, apply: 8, delete: 10 } as const;
type Choice = keyof typeof weights;

/** On average half of it between two requests: other processes of the machine need a turn as well. */
const pauseMilliseconds = 10;

/** Asks until told to stop. */
export async function runClient(options: ClientOptions): Promise<void> {
  const client = new RandomClient(options);
  while (!options.signal.aborted) {
    await client.step();
    await sleep(options.random.below(pauseMilliseconds));
  }
}

interface Plan {
  id: string;
  replica: number;
  resource: Resource;
  key: string;
  color: string;
}

class RandomClient {
  readonly #options: ClientOptions;
  /** The newest revision it has heard of, by `resource key`. */
  readonly #known = new Map<string, number>();
  #steps = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  async step(): Promise<void> {
    const { random, number, replicas } = this.#options;
    const plan: Plan = {
      id: `${number}.${++this.#steps}`,
      replica: random.below(replicas.length),
      resource: random.pick(resources),
      key: random.pick(keys),
      color: random.pick(colors),
    };
    const choice = random.weighted(weights);
    if (choice === "list" || choice === "pages") await this.#list(plan, choice);
    else if (choice === "get" || (needsRevision(choice) && !this.#known.has(nameOf(plan)))) await this.#get(plan);
    else await this.#write(plan, choice);
  }

  async #get(plan: Plan): Promise<void> {
    const { answer, ...base } = await this.#ask(plan, "GET", objectPath(plan.resource, plan.key));
    const outcome = answer.status === 404 ? "ok" : base.outcome;
    const get: Get = { ...base, outcome, verb: "get", key: plan.key };
    if (answer.status === 200) get.object = seenOf(answer.body);
    if (get.object) this.#known.set(nameOf(plan), get.object.revision);
    else this.#known.delete(nameOf(plan));
    this.#options.record(get);
  }

  async #write(plan: Plan, verb: Exclude<Choice, "get" | "list" | "pages">): Promise<void> {
    const { number, random } = this.#options;
    const { id, resource, key } = plan;
    const isConditional = needsRevision(verb) || (verb === "patch" && random.next() < 0.5);
    const expected = isConditional ? this.#known.get(nameOf(plan)) : undefined;
    const own = verb === "patch" ? { [`patch-${number}`]: id } : verb === "apply" ? { [`apply-${number}`]: id } : {};
    // Fields that a manager stops applying are removed, so it always applies the same ones.
    const color = verb === "apply" || (verb === "patch" && random.next() < 0.5) ? "" : plan.color;
    const sets: State = { marks: { op: id, ...own }, color };
    const { answer, ...base } = await this.#ask(plan, ...requestOf(verb, { resource, key, sets, expected, number }));
    const write: Write = { ...base, verb, key, sets, ...(expected !== undefined && { expected }) };
    if (base.outcome === "ok" && verb !== "delete") write.object = seenOf(answer.body);
    if (write.object) this.#known.set(nameOf(plan), write.object.revision);
    else this.#known.delete(nameOf(plan));
    this.#options.record(write);
  }

  async #list(plan: Plan, how: "list" | "pages"): Promise<void> {
    const { random } = this.#options;
    const scope: Scope = { resource: plan.resource };
    if (random.next() < 0.5) scope.namespace = random.pick(namespaces);
    if (random.next() < 0.4) scope.color = plan.color;
    const known = this.#known.get(nameOf(plan));
    const { resourceVersion, exact } = how === "pages" || random.next() < 0.6 ? consistent : pickVersion(random, known);
    const query: Record<string, string> = { ...scopeQuery(scope) };
    if (how === "pages") query["limit"] = String(1 + random.below(3));
    if (resourceVersion !== "") query["resourceVersion"] = resourceVersion;
    if (exact) query["resourceVersionMatch"] = "Exact";
    const list: Omit<List, keyof Asked> = { verb: "list", scope, resourceVersion, exact, revisions: [], items: [] };
    let invoked: number | undefined;
    for (let token = ""; ; ) {
      const path = `${collectionPath(scope.resource, scope.namespace)}?${new URLSearchParams({ ...query, ...(token && { continue: token }) })}`;
      const { answer, ...base } = await this.#ask(plan, "GET", path);
      invoked ??= base.invoked;
      const page = answer.body as
        | { metadata: { resourceVersion: string; continue?: string }; items: unknown[] }
        | undefined;
      if (base.outcome === "ok" && page) {
        list.revisions.push(revisionOf(page.metadata.resourceVersion));
        list.items.push(...page.items.map(seenOf));
        token = page.metadata.continue ?? "";
        if (token) {
          plan.replica = random.below(this.#options.replicas.length);
          continue;
        }
      }
      this.#options.record({ ...base, ...list, invoked });
      return;
    }
  }

  async #ask(plan: Plan, method: string, path: string, parts?: RequestParts): Promise<Asked & { answer: Answer }> {
    const { replicas, number } = this.#options;
    const invoked = performance.now();
    const answer = await (replicas[plan.replica] as HttpClient).request(method, path, parts);
    const completed = performance.now();
    const outcome = outcomeOf(answer.status);
    const reason = answer.status < 400 ? undefined : (answer.body as { reason?: string } | undefined)?.reason;
    return {
      answer,
      id: plan.id,
      client: number,
      replica: plan.replica,
      resource: plan.resource,
      invoked,
      outcome,
      status: answer.status,
      ...(outcome !== "unknown" && { completed }),
      ...(reason !== undefined && { reason }),
    };
  }
}

type Asked = Pick<
  Operation,
  "id" | "client" | "replica" | "resource" | "invoked" | "completed" | "outcome" | "status" | "reason"
>;

const consistent = { resourceVersion: "", exact: false };

function pickVersion(random: Random, known: number | undefined): { resourceVersion: string; exact: boolean } {
  if (known === undefined || random.next() < 0.3) return { resourceVersion: "0", exact: false };
  return { resourceVersion: String(known), exact: random.next() < 0.5 };
}

const needsRevision = (choice: Choice) => choice === "update" || choice === "delete";
const nameOf = ({ resource, key }: Plan) => `${resource} ${key}`;

interface WriteParts {
  resource: Resource;
  key: string;
  sets: State;
  expected: number | undefined;
  number: number;
}

function requestOf(
  verb: Write["verb"],
  { resource, key, sets, expected, number }: WriteParts,
): [method: string, path: string, parts: RequestParts] {
  const path = objectPath(resource, key);
  const collection = path.slice(0, path.lastIndexOf("/"));
  switch (verb) {
    case "create":
      return ["POST", collection, { body: manifest(resource, key, sets) }];
    case "update":
      return ["PUT", path, { body: manifest(resource, key, sets, expected) }];
    case "patch":
      return ["PATCH", path, { body: patchOf(sets, expected), contentType: "application/merge-patch+json" }];
    case "apply":
      return [
        "PATCH",
        `${path}?fieldManager=client-${number}&force=true`,
        { body: manifest(resource, key, sets), contentType: "application/apply-patch+yaml" },
      ];
    case "delete":
      return ["DELETE", path, { body: { preconditions: { resourceVersion: String(expected) } } }];
  }
}

/** 503 says that nothing happened, 504 and no answer at all leave it open; so does an error the server does not understand. */
function outcomeOf(status: number): Outcome {
  if (status >= 200 && status < 300) return "ok";
  return status === 0 || status === 500 || status === 504 ? "unknown" : "refused";
}
