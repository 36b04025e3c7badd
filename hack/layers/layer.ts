import type { Tally } from "./tally.ts";

/** Work that a layer needs done first, and that may go on while faster layers run. Done once for all layers. */
export interface Preparation {
  /** Also the prefix of its output. */
  name: string;
  /** @throws when it failed; the text says what to do. */
  run(context: LayerContext): Promise<void>;
}

/** One layer of `npm test`, fastest first. */
export interface Layer {
  name: string;
  /** One line for `--help`. */
  about: string;
  /** What this machine lacks for it and how to get it; undefined when it can run. */
  missing(context: LayerContext): string | undefined;
  preparations: readonly Preparation[];
  run(context: LayerContext): Promise<Tally>;
}

export interface LayerContext {
  /** Absolute path of the repository, without a slash at the end. */
  root: string;
  /** Paths or Jest arguments given by the caller: only tests that match run. */
  jestArguments: readonly string[];
  env: NodeJS.ProcessEnv;
}
