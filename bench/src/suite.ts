/** What a suite is and how its rows are judged, printed and kept. */
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

export interface Measurement {
  name: string;
  /** Of both figures, e.g. `requests/s`. */
  unit: string;
  krate: number;
  anchor: number;
  anchorName: string;
  /** Ratio to reach; 1 is the anchor's speed. */
  target: number;
  /** True when a smaller figure is the better one (milliseconds). @defaultValue false */
  smallerIsBetter?: boolean;
}

/** One line of `bench/results/SUITE.json`; `ratio` above 1 always means better than the anchor. */
export interface Row extends Omit<Measurement, "smallerIsBetter"> {
  ratio: number;
  ok: boolean;
}

export interface SuiteOptions {
  /** Fewer objects and shorter runs: shows that the suite works, says nothing about speed. */
  quick: boolean;
  /** Also what takes minutes: a million objects. */
  large: boolean;
  /** Of the apiserver suite only the direct rows whose name contains this, and those of `large`. */
  only?: string | undefined;
  progress(line: string): void;
}

export interface Suite {
  name: string;
  about: string;
  run(options: SuiteOptions): Promise<Measurement[]>;
}

const rounded = (value: number) => Number(value.toPrecision(4));

export function judge({ smallerIsBetter, ...measured }: Measurement): Row {
  const ratio = smallerIsBetter ? measured.anchor / measured.krate : measured.krate / measured.anchor;
  return {
    ...measured,
    krate: rounded(measured.krate),
    anchor: rounded(measured.anchor),
    ratio: rounded(ratio),
    ok: ratio >= measured.target,
  };
}

/** A table for people: one row a line, columns aligned. */
export function formatTable(rows: readonly Row[]): string {
  const head = ["what", "unit", "krate", "anchor", "ratio", "target", ""];
  const lines = rows.map((row) => [
    row.name,
    row.unit,
    String(row.krate),
    `${row.anchor} (${row.anchorName})`,
    `${row.ratio.toFixed(2)}x`,
    `${row.target}x`,
    row.ok ? "ok" : "below target",
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)));
  return [head, ...lines]
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Writes `results/SUITE.json` and returns its path. */
export function writeResults(folder: string, suite: string, at: Date, rows: readonly Row[]): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${suite}.json`);
  const cores = availableParallelism();
  writeFileSync(file, `${JSON.stringify({ suite, at: at.toISOString(), cores, rows }, undefined, 2)}\n`);
  return file;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle];
  if (high === undefined) throw new Error("the median of nothing is not defined");
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? high) + high) / 2;
}
