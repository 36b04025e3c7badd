import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";

export interface EventuallyOptions {
  /** How long to keep trying. @defaultValue 10 s */
  timeoutSeconds?: number;
  /** Pause between two tries. @defaultValue 50 ms */
  intervalMilliseconds?: number;
  /** What is awaited, for the message: "the Pod is Running". */
  description?: string;
}

/**
 * Calls `condition` until it returns something truthy and resolves to that. A throw counts as "not yet": so a
 * condition may hold assertions (`expect(...)`), and the last one that failed is the `cause` of the error.
 *
 * @throws Error that says what was awaited, for how long, how often it was tried, and what was seen last.
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<Exclude<T, undefined | null | false | 0 | "">> {
  const { timeoutSeconds = 10, intervalMilliseconds = 50, description = "the condition" } = options;
  const deadline = performance.now() + timeoutSeconds * 1000;
  for (let tries = 1; ; tries++) {
    const outcome = await attempt(condition);
    if (outcome.value) return outcome.value as Exclude<T, undefined | null | false | 0 | "">;
    if (performance.now() >= deadline) {
      const seen = "error" in outcome ? `it threw ${messageOf(outcome.error)}` : `it was ${shorten(outcome.value)}`;
      throw new Error(`${description} did not come true within ${timeoutSeconds} s (${tries} tries): at last ${seen}`, {
        cause: "error" in outcome ? outcome.error : undefined,
      });
    }
    await delay(intervalMilliseconds);
  }
}

async function attempt<T>(
  condition: () => T | Promise<T>,
): Promise<{ value: T } | { value?: undefined; error: unknown }> {
  try {
    return { value: await condition() };
  } catch (error) {
    return { error };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : shorten(error);
}

function shorten(value: unknown): string {
  const text = inspect(value, { depth: 4, breakLength: 120 });
  return text.length > 2000 ? `${text.slice(0, 2000)}…` : text;
}
