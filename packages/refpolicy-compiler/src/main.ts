/** refpolicy-compiler: configuration, then run until a signal. */
import { runProgram } from "@krate/controller";
import { readConfig } from "./config.ts";
import { refpolicyCompiler } from "./program.ts";

await runProgram(refpolicyCompiler(readConfig(process.env)));
