export * from "./backend/git-backend.ts";
export { type NativeBackendOptions, NativeGitBackend, syncDirectory } from "./backend/native.ts";
export { movedMessage } from "./backend/ref-transaction.ts";
export * from "./objects/index.ts";
export * from "./process/index.ts";
export * from "./wire/index.ts";
