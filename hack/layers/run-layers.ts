import type { Layer, LayerContext, Preparation } from "./layer.ts";
import { nothing, type Tally } from "./tally.ts";

export interface LayerResult extends Tally {
  name: string;
  seconds: number;
  outcome: "ran" | "skipped" | "missing";
}

export interface RunOptions {
  context: LayerContext;
  layers: readonly Layer[];
  /** Names of layers that must run: `KRATE_REQUIRE`. */
  required: ReadonlySet<string>;
  say(line: string): void;
  interrupted(): boolean;
}

/**
 * Runs the layers one after the other while their preparations go on together. A layer that fails hides no later one; one
 * that this machine cannot run is skipped by name, or is a failure when it is required.
 */
export async function runLayers({ context, layers, required, say, interrupted }: RunOptions): Promise<LayerResult[]> {
  const able = layers.filter((layer) => layer.missing(context) === undefined);
  const preparations = startPreparations(able, context);
  const results: LayerResult[] = [];
  for (const layer of layers) {
    if (interrupted()) break;
    const missing = layer.missing(context);
    const started = performance.now();
    if (missing !== undefined) {
      results.push(notRun(layer.name, missing, required.has(layer.name)));
      continue;
    }
    say(`${layer.name}: ${layer.about}`);
    const tally = await runPrepared(layer, context, preparations, say);
    results.push({ ...tally, name: layer.name, outcome: "ran", seconds: (performance.now() - started) / 1000 });
  }
  return results;
}

function notRun(name: string, missing: string, isRequired: boolean): LayerResult {
  const base = { ...nothing, name, seconds: 0 };
  if (isRequired)
    return { ...base, failed: 1, outcome: "missing", notes: [`${name}: required by KRATE_REQUIRE, but ${missing}`] };
  return { ...base, skipped: 1, outcome: "skipped", notes: [`${name}: skipped: ${missing}`] };
}

type Preparations = ReadonlyMap<Preparation, Promise<Error | undefined>>;

function startPreparations(layers: readonly Layer[], context: LayerContext): Preparations {
  const needed = new Set(layers.flatMap(({ preparations }) => preparations));
  return new Map(
    [...needed].map((preparation) => [
      preparation,
      preparation.run(context).then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
      ),
    ]),
  );
}

async function runPrepared(
  layer: Layer,
  context: LayerContext,
  preparations: Preparations,
  say: (line: string) => void,
): Promise<Tally> {
  for (const preparation of layer.preparations) {
    const waiting = setTimeout(() => say(`${layer.name}: waiting for ${preparation.name}`), 1000);
    const error = await preparations.get(preparation);
    clearTimeout(waiting);
    if (error) return { ...nothing, failed: 1, notes: [`${layer.name}: ${preparation.name} failed: ${error.message}`] };
  }
  try {
    return await layer.run(context);
  } catch (error) {
    return {
      ...nothing,
      failed: 1,
      notes: [`${layer.name}: ${error instanceof Error ? error.message : String(error)}`],
    };
  }
}
