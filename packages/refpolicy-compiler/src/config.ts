/** The environment of refpolicy-compiler: what every program reads (docs/architecture.md), nothing else. */
import { type Environment, type ProgramConfig, readProgramConfig } from "@krate/controller";

export type CompilerConfig = ProgramConfig;

/** @throws Error that names the variable and what it must be */
export function readConfig(env: Environment): CompilerConfig {
  return readProgramConfig(env);
}
