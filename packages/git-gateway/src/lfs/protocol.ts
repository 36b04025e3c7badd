/**
 * The Git LFS API as it is on the wire: https://github.com/git-lfs/git-lfs/tree/main/docs/api (batch.md, basic-transfers.md,
 * locking.md). Pure; everything a client sends is looked at here.
 */
import { GatewayError } from "../access/gateway-error.ts";
import { isOid, type LfsObject } from "./lfs-store.ts";

export const lfsMediaType = "application/vnd.git-lfs+json";

export type LfsOperation = "download" | "upload";

export interface BatchRequest {
  operation: LfsOperation;
  objects: BatchItem[];
}

/** One object of a batch; `problem` says what is wrong with what the client wrote. */
export type BatchItem =
  | { object: LfsObject; problem?: undefined }
  | { object: { oid: string; size: number }; problem: string };

export interface LfsAction {
  href: string;
  header?: Record<string, string>;
  /** Seconds. */
  expires_in?: number;
}

export interface BatchResponseObject {
  oid: string;
  size: number;
  authenticated?: boolean;
  actions?: Partial<Record<"download" | "upload" | "verify", LfsAction>>;
  error?: { code: number; message: string };
}

export interface LfsLimits {
  /** Largest object. */
  maxObjectBytes: number;
  /** Objects one batch may name. */
  maxBatchObjects: number;
  /** Bytes one batch may announce for upload. */
  maxBatchBytes: number;
}

const maxPathBytes = 4096;
const maxRefLength = 1024;

/** @throws {GatewayError} 409, 413, 422 */
export function parseBatch(body: unknown, limits: LfsLimits): BatchRequest {
  const { operation, objects, transfers, hash_algo: algorithm, ref } = recordOf(body);
  if (operation !== "download" && operation !== "upload")
    throw invalid(`operation is ${shown(operation)}: it must be "download" or "upload"`);
  if (algorithm !== undefined && algorithm !== "sha256")
    throw new GatewayError(409, `hash_algo is ${shown(algorithm)}: only "sha256" is supported`);
  if (transfers !== undefined && !(Array.isArray(transfers) && (transfers.length === 0 || transfers.includes("basic"))))
    throw invalid('transfers must hold "basic", the only transfer that is supported');
  if (ref !== undefined && ref !== null) refNameOf(ref);
  if (!Array.isArray(objects)) throw invalid("objects must be a list of {oid, size}");
  if (objects.length > limits.maxBatchObjects)
    throw new GatewayError(
      413,
      `a batch may name ${limits.maxBatchObjects} objects, not ${objects.length}: send several batches`,
    );
  const items = objects.map((each) => itemOf(each, limits));
  const total = items.reduce((sum, { object, problem }) => sum + (problem === undefined ? object.size : 0), 0);
  if (operation === "upload" && total > limits.maxBatchBytes)
    throw new GatewayError(
      413,
      `a batch may upload ${limits.maxBatchBytes} bytes, not ${total}: push in smaller steps, or set lfs.batchSize lower`,
    );
  return { operation, objects: items };
}

function itemOf(each: unknown, { maxObjectBytes }: LfsLimits): BatchItem {
  const { oid, size } = recordOf(each, "each object must be {oid, size}");
  const object = { oid: typeof oid === "string" ? oid.slice(0, 100) : "", size: typeof size === "number" ? size : 0 };
  if (!isOid(oid)) return { object, problem: "oid must be a SHA-256 in lower-case hex" };
  if (!isSize(size)) return { object, problem: "size must be a whole number of bytes, 0 or more" };
  if (size > maxObjectBytes)
    return { object, problem: `the file is larger than the ${maxObjectBytes} bytes allowed for one` };
  return { object: { oid, size } };
}

/** `{oid, size}` of a verification. @throws {GatewayError} 422 */
export function parseObject(body: unknown, limits: LfsLimits): LfsObject {
  const { object, problem } = itemOf(body, limits);
  if (problem !== undefined) throw invalid(problem);
  return object;
}

export interface LockRequest {
  path: string;
}

/** @throws {GatewayError} 422 */
export function parseLockRequest(body: unknown): LockRequest {
  const { path, ref } = recordOf(body);
  if (ref !== undefined && ref !== null) refNameOf(ref);
  return { path: lockPathOf(path) };
}

/** @throws {GatewayError} 422 */
export function parseUnlockRequest(body: unknown): { force: boolean } {
  const { force, ref } = recordOf(body);
  if (ref !== undefined && ref !== null) refNameOf(ref);
  if (force !== undefined && force !== null && typeof force !== "boolean") throw invalid("force must be true or false");
  return { force: force === true };
}

export interface LockQuery {
  path?: string;
  id?: string;
  cursor?: string;
  limit: number;
}

const maxLocksPerPage = 1000;
const defaultLocksPerPage = 100;

/** A question for locks, from a query string or the body of a verification. @throws {GatewayError} 422 */
export function parseLockQuery(fields: Record<string, unknown>): LockQuery {
  const { path, id, cursor, limit } = fields;
  const count = limit === undefined || limit === null || limit === "" ? defaultLocksPerPage : Number(limit);
  if (!Number.isSafeInteger(count) || count < 0) throw invalid(`limit is ${shown(limit)}: it must be a whole number`);
  const text = (name: string, value: unknown): Record<string, string> => {
    if (value === undefined || value === null || value === "") return {};
    if (typeof value !== "string" || value.length > maxPathBytes) throw invalid(`${name} must be a text`);
    return { [name]: value };
  };
  return {
    ...text("path", path),
    ...text("id", id),
    ...text("cursor", cursor),
    limit: count === 0 ? defaultLocksPerPage : Math.min(count, maxLocksPerPage),
  };
}

/** A path as git has it in a tree: relative, with slashes, nothing of it "." or ".." or ".git". */
function lockPathOf(path: unknown): string {
  if (typeof path !== "string" || path === "") throw invalid("path must be the path of a file in the repository");
  if (Buffer.byteLength(path) > maxPathBytes) throw invalid(`path is longer than ${maxPathBytes} bytes`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  const isOdd = /[\x00-\x1f\x7f]/.test(path) || !path.isWellFormed();
  const parts = path.split("/");
  if (isOdd || parts.some((part) => ["", ".", ".."].includes(part) || part.toLowerCase() === ".git"))
    throw invalid(`path ${shown(path)} is not that of a file in a repository: write it as git ls-files does`);
  return path;
}

function refNameOf(ref: unknown): void {
  const { name } = recordOf(ref, "ref must be {name}");
  if (typeof name !== "string" || name.length > maxRefLength) throw invalid("ref.name must be the name of a ref");
}

function recordOf(value: unknown, what = "the body must be a JSON object"): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(what);
  return value as Record<string, unknown>;
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 200);
}

function invalid(message: string): GatewayError {
  return new GatewayError(422, message);
}
