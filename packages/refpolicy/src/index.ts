/** @krate/refpolicy: start reading at `bundle.ts`, then `compile.ts`, then `evaluate.ts`. */
export * from "./bundle.ts";
export {
  type CompileInput,
  type CompileProblem,
  type CompileResult,
  compileBundle,
  protectedRepositories,
} from "./compile.ts";
export { type EffectiveProtection, effectiveProtection } from "./effective-protection.ts";
export { evaluatePush, runPostReceive } from "./evaluate.ts";
export * from "./facts.ts";
export { globMatcher, matchRef, pathMatcher } from "./glob.ts";
export { type LabelSelector, matchesSelector } from "./selector.ts";
export {
  inspectWasmModule,
  maxWasmModuleBytes,
  parseModuleReference,
  type WasmModuleFacts,
  wasmEntryPoint,
  wasmHostFunctions,
  wasmImportModule,
  wasmModuleProblem,
} from "./wasm-module.ts";
