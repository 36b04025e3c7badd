import type { StoredRow } from "../row.ts";
import type { ObjectKey } from "../store.ts";
import type { Queryable } from "./connection.ts";
import { getObjects } from "./sql/get-objects.ts";

/** A lone get goes at once; more statements at a time than this only fight for two processors. */
const maxStatements = 2;
/** Bounds the answer of one statement; objects may be a megabyte. */
const maxObjects = 64;

interface Pending {
  resourceId: number;
  key: ObjectKey;
  resolve: (row: StoredRow | undefined) => void;
  reject: (error: unknown) => void;
}

/**
 * Reads objects from the database, those asked for while statements are under way together in the next one: 64 clients
 * share one round trip instead of queueing for 64.
 */
export class ObjectLoader {
  readonly #client: Queryable;
  #waiting: Pending[] = [];
  #running = 0;

  constructor(client: Queryable) {
    this.#client = client;
  }

  get(resourceId: number, key: ObjectKey): Promise<StoredRow | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resourceId, key, resolve, reject });
      if (this.#running < maxStatements) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running++;
    await Promise.resolve(); // gets of the same turn go together
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, maxObjects);
      try {
        const rows = await getObjects(this.#client, batch);
        for (const [index, { resolve }] of batch.entries()) resolve(rows[index]);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running--;
  }
}
