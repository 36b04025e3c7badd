/** Which layer every package is in, and what a layer may import: the table of docs/architecture.md. */

export type Layer = "pure" | "port" | "program" | "test only";

export const layers: Readonly<Record<string, Layer>> = {
  kinds: "pure",
  codegen: "pure",
  refpolicy: "pure",
  apimachinery: "port",
  kube: "port",
  controller: "port",
  postgres: "port",
  git: "port",
  pki: "port",
  telemetry: "port",
  apiserver: "program",
  "git-gateway": "program",
  "repository-operator": "program",
  "runner-operator": "program",
  "webhook-dispatcher": "program",
  "refpolicy-compiler": "program",
  "agent-stack-controller": "program",
  "identity-operator": "program",
  "process-node": "program",
  admission: "program",
  runner: "program",
  console: "program",
  cli: "program",
  testing: "test only",
};

/** Product code only: tests may import what they like. */
export const mayImport: Readonly<Record<Layer, readonly Layer[]>> = {
  pure: ["pure"],
  port: ["pure", "port"],
  program: ["pure", "port"],
  "test only": ["pure", "port", "program", "test only"],
};

/** Node modules that do I/O: no pure package imports one. */
export const ioModules: ReadonlySet<string> = new Set(
  ["child_process", "cluster", "dgram", "dns", "fs", "fs/promises", "http", "http2", "https", "net", "os", "process"]
    .concat(["readline", "repl", "sqlite", "timers", "timers/promises", "tls", "tty", "vm", "worker_threads"])
    .map((name) => `node:${name}`),
);

/** The one file of a pure package that may: the command line of the generator. */
export const ioExceptions: ReadonlySet<string> = new Set(["packages/codegen/src/main.ts"]);
