/** One step: a commit and names it was the last to change. */
export interface LookupStep {
  commitId: string;
  names: readonly string[];
}

/** A search for the last commits of a folder's entries, followed by any number of readers while it runs. */
export class Lookup {
  readonly found = new Map<string, string>();
  readonly #steps: LookupStep[] = [];
  #wake = Promise.withResolvers<void>();
  #ended: { error?: unknown } | undefined;

  add(step: LookupStep): void {
    for (const name of step.names) this.found.set(name, step.commitId);
    this.#steps.push(step);
    this.#notify();
  }

  end(error?: unknown): void {
    this.#ended = error === undefined ? {} : { error };
    this.#notify();
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  /** Whether every entry has its commit. */
  get isComplete(): boolean {
    return this.#ended !== undefined && !("error" in this.#ended);
  }

  /** Waits for the end, but no longer than `ms`. Never throws: `isComplete` says how it went. */
  async settled(ms: number): Promise<void> {
    if (this.#ended) return;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    let isOver = false;
    void timeout.then(() => {
      isOver = true;
    });
    while (!this.#ended && !isOver) await Promise.race([timeout, this.#wake.promise]);
    clearTimeout(timer);
  }

  /** Everything found so far, then what is found, until the end. @throws what ended the search early */
  async *steps(signal: AbortSignal): AsyncGenerator<LookupStep> {
    const aborted = Promise.withResolvers<never>();
    aborted.promise.catch(() => undefined);
    const onAbort = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      for (let at = 0; ; ) {
        signal.throwIfAborted();
        for (; at < this.#steps.length; at++) yield this.#steps[at] as LookupStep;
        if (this.#ended) {
          if ("error" in this.#ended) throw this.#ended.error;
          return;
        }
        await Promise.race([this.#wake.promise, aborted.promise]);
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}
