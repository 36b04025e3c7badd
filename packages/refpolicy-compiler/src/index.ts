export { type CompilerConfig, readConfig } from "./config.ts";
export { refpolicyCompiler } from "./program.ts";
