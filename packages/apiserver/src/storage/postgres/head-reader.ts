import type { Queryable } from "./connection.ts";
import { type Head, readHead } from "./sql/read-head.ts";

/**
 * Asks the database for the newest revision on behalf of everybody who waits: what makes a read from memory as fresh as one
 * from the database (KEP-2340), at the price of one tiny query for all the reads that came in while the last one ran.
 *
 * A caller joins the next query, never the one under way: that one may have looked before the caller's moment.
 */
export class HeadReader {
  readonly #client: Queryable;
  readonly #tail: () => bigint;
  readonly #onHead: (head: Head, tailBefore: bigint) => void;
  #underWay: Promise<unknown> | undefined;
  #next: Promise<Head> | undefined;

  /**
   * @param tail the newest revision this replica has seen
   * @param onHead called with every answer, and with what `tail` was when the question was asked
   */
  constructor(client: Queryable, tail: () => bigint, onHead: (head: Head, tailBefore: bigint) => void) {
    this.#client = client;
    this.#tail = tail;
    this.#onHead = onHead;
  }

  read(): Promise<Head> {
    this.#next ??= this.#run(this.#underWay);
    return this.#next;
  }

  async #run(before: Promise<unknown> | undefined): Promise<Head> {
    await before?.catch(() => undefined); // its own callers hear of it
    const tailBefore = this.#tail();
    const query = readHead(this.#client);
    this.#underWay = query;
    this.#next = undefined;
    try {
      const head = await query;
      this.#onHead(head, tailBefore);
      return head;
    } finally {
      if (this.#underWay === query) this.#underWay = undefined;
    }
  }
}
