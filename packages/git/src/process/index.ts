export * from "./environment.ts";
export * from "./git-error.ts";
export * from "./git-process.ts";
