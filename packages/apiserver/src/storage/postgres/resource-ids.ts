import type { Queryable } from "./connection.ts";
import { addResource, findResource, readResources } from "./sql/resource-ids.ts";

interface Resource {
  group: string;
  resource: string;
}

/** The small numbers that stand for resources in keys and indexes. Once given, a number never changes. */
export class ResourceIds {
  readonly #client: Queryable;
  readonly #ids = new Map<string, number>();
  readonly #names = new Map<number, Resource>();
  readonly #asking = new Map<string, Promise<unknown>>();

  constructor(client: Queryable) {
    this.#client = client;
  }

  /** `undefined` while nothing of the resource was ever written. */
  async find(resource: Resource): Promise<number | undefined> {
    const known = this.#ids.get(nameOf(resource));
    if (known !== undefined) return known;
    const question = `find ${nameOf(resource)}`;
    const joined = this.#asking.has(question);
    const id = await this.#once(question, () => this.#look(resource));
    return id === undefined && joined ? this.#look(resource) : id; // that answer may be from before this question
  }

  /** Gives a number to a resource that has none. */
  async ensure(resource: Resource): Promise<number> {
    return this.#ids.get(nameOf(resource)) ?? this.#once(`ensure ${nameOf(resource)}`, () => this.#lookOrAdd(resource));
  }

  async #look({ group, resource }: Resource): Promise<number | undefined> {
    const id = await findResource(this.#client, group, resource);
    if (id !== undefined) this.#learn(id, { group, resource });
    return id;
  }

  async #lookOrAdd(resource: Resource): Promise<number> {
    const found = await this.#look(resource);
    if (found !== undefined) return found;
    await addResource(this.#client, resource.group, resource.resource);
    return this.#lookOrAdd(resource);
  }

  /** A crowd that asks the same at once shares one answer, instead of waiting in line for a session each. */
  #once<T>(question: string, ask: () => Promise<T>): Promise<T> {
    const underWay = this.#asking.get(question) as Promise<T> | undefined;
    if (underWay) return underWay;
    const answer = ask().finally(() => this.#asking.delete(question));
    this.#asking.set(question, answer);
    return answer;
  }

  async name(id: number): Promise<Resource> {
    const known = this.#names.get(id);
    if (known) return known;
    for (const row of await readResources(this.#client)) this.#learn(row.id, row);
    const found = this.#names.get(id);
    if (!found) throw new Error(`krate_resources has no row ${id}, which the log mentions`);
    return found;
  }

  /** After the database went back in time: numbers may be given anew. */
  forget(): void {
    this.#ids.clear();
    this.#names.clear();
  }

  #learn(id: number, { group, resource }: Resource): void {
    this.#ids.set(nameOf({ group, resource }), id);
    this.#names.set(id, { group, resource });
  }
}

function nameOf({ group, resource }: Resource): string {
  return `${group}/${resource}`;
}
