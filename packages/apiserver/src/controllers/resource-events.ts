import type { Logger } from "@krate/telemetry";
import type { ResourceRegistry } from "../resources/registry.ts";
import type { ObjectEvent, Store } from "../storage/store.ts";
import { pause } from "../watching/local-cache.ts";

export interface ResourceEventsOptions {
  store: Store;
  registry: ResourceRegistry;
  log: Logger;
  signal: AbortSignal;
  onEvent: (event: ObjectEvent) => void;
  /** History was lost, or the resource is new here: whatever happened before `revision` has to be looked up. */
  onStart: (stored: { group: string; resource: string }) => void;
}

const restartMilliseconds = 500;

/** Events of every resource that is stored, including resources that come later. */
export function followAllResources(options: ResourceEventsOptions): void {
  const followed = new Map<string, AbortController>();
  const update = () => {
    const wanted = new Map(
      options.registry
        .all()
        .filter(({ strategy }) => strategy.answer === undefined)
        .map(({ storage }) => [`${storage.group}/${storage.resource}`, storage]),
    );
    for (const [id, stored] of wanted) {
      if (followed.has(id)) continue;
      const controller = new AbortController();
      options.signal.addEventListener("abort", () => controller.abort(), { once: true });
      followed.set(id, controller);
      void follow(options, stored, controller.signal);
    }
    for (const [id, controller] of followed) {
      if (wanted.has(id)) continue;
      controller.abort();
      followed.delete(id);
    }
  };
  options.registry.onChange(update);
  update();
}

async function follow(
  { store, log, onEvent, onStart }: ResourceEventsOptions,
  stored: { group: string; resource: string },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const fromRevision = await store.currentRevision();
      onStart(stored);
      for await (const event of store.watch({ ...stored, fromRevision, signal })) {
        if (event.type !== "BOOKMARK") onEvent(event);
      }
    } catch (err) {
      if (!signal.aborted) log.warn({ err, resource: stored.resource }, "could not follow a resource; starting again");
    }
    await pause(restartMilliseconds, signal);
  }
}
