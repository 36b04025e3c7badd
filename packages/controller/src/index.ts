/** @krate/controller: start reading at `define-controller.ts`, then `outcome.ts`, then `run-controller.ts`. */
export {
  type Environment,
  type ProgramConfig,
  readAddress,
  readBoolean,
  readInteger,
  readProgramConfig,
} from "./config.ts";
export * from "./define-controller.ts";
export { equalJson } from "./equal.ts";
export { type LeaderElectionOptions, type LeaderElector, leaderElector } from "./leader-election.ts";
export { type ConsumerContext, defineLogConsumer, type LogConsumer, runLogConsumer } from "./log-consumer.ts";
export { done, type ReconcileResult, requeueAfter, TerminalError, WaitError } from "./outcome.ts";
export { type Program, type ProgramContext, type RunningProgram, runProgram, startProgram } from "./run-program.ts";
export { WorkQueue, type WorkQueueOptions } from "./work-queue.ts";
