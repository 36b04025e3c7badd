/**
 * The policy bundle: what the compiler writes into a ConfigMap and the gateway judges by.
 * Its bytes are canonical JSON (keys sorted, no white space), so equal rules are equal bytes and an equal hash.
 */
import { createHash } from "node:crypto";

export const ruleTypes = [
  "require-pull-request",
  "deny-ref",
  "block-force-push",
  "deny-deletion",
  "require-linear-history",
  "require-signed-commits",
  "max-object-size",
  "commit-message-pattern",
  "path-lock",
  "wasm",
] as const;

export type RuleType = (typeof ruleTypes)[number];

/** Whom a rule does not apply to. `namespace` is that of a ServiceAccount. */
export interface Subject {
  kind: "User" | "Group" | "ServiceAccount";
  name: string;
  namespace?: string;
}

export interface BundleRule {
  /** Kind and name of the object the rule comes from, e.g. `BranchProtection/main`. */
  policy: string;
  /** Name of the rule within the policy. */
  rule: string;
  type: RuleType;
  /** Globs of full ref names; one must match. */
  refs: string[];
  repositories: string[] | "*";
  mode: "audit" | "enforce";
  /** Order in which results are told; lower first. */
  priority: number;
  message?: string;
  params?: RuleParams;
  bypass?: Subject[];
  /** Holders of `update repositories/admin` may bypass, as BranchProtection promises. */
  adminsMayBypass?: boolean;
}

export interface RuleParams {
  /** max-object-size */
  maxBytes?: number;
  /** commit-message-pattern: RE2 */
  pattern?: string;
  /** path-lock: globs */
  paths?: string[];
  /** wasm: settings of the rule, as written in the RefPolicy */
  wasm?: WasmSettings;
}

/** Which module a rule of type `wasm` runs, and within which limits (kinds.md §5.5). */
export interface WasmSettings {
  /** Exactly one of `image` and `objectRef`; another module than the one with this digest is never run. */
  module: { image?: string; objectRef?: string; digest: string };
  /** @defaultValue pre-receive */
  hook?: "pre-receive" | "update" | "post-receive";
  /** Longest the module itself may run, milliseconds. @defaultValue 500 */
  timeoutMs?: number;
  /** Most linear memory the module may declare, MiB. @defaultValue 64 */
  memoryMiB?: number;
  /** What it means when the module cannot be run to its end. @defaultValue Deny */
  failure?: "Deny" | "Allow";
}

export interface PolicyBundle {
  version: 1;
  namespace: string;
  /** `sha256:<hex>` of the canonical JSON without this field. */
  hash: string;
  /**
   * Repositories the rules were compiled for. `all` when no rule chooses by label; otherwise a repository that is not
   * listed is younger than the bundle, and its pushes wait for the next one.
   */
  repositories: string[] | "all";
  rules: BundleRule[];
}

/** JSON with sorted keys and without white space or undefined members. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, member]) => member !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** Completes a bundle with its hash. */
export function sealBundle(content: Omit<PolicyBundle, "hash">): { bundle: PolicyBundle; bytes: string } {
  const hash = hashOf(content);
  const bundle = { ...content, hash };
  return { bundle, bytes: canonicalJson(bundle) };
}

function hashOf(content: Omit<PolicyBundle, "hash">): string {
  return `sha256:${createHash("sha256").update(canonicalJson(content)).digest("hex")}`;
}

/** The bundle of a namespace that is known to have no policy: everything is allowed. */
export function emptyBundle(namespace: string): PolicyBundle {
  return sealBundle({ version: 1, namespace, repositories: "all", rules: [] }).bundle;
}

/**
 * Reads and validates a bundle; its hash must be right.
 * @throws Error that says what is wrong where
 */
export function parseBundle(bytes: string | Uint8Array): PolicyBundle {
  const text = typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`invalid policy bundle: ${(error as Error).message}`, { cause: error });
  }
  const bundle = value as PolicyBundle;
  check(isObject(value), "bundle", "must be an object");
  check(bundle.version === 1, "version", "must be 1");
  check(typeof bundle.namespace === "string" && bundle.namespace !== "", "namespace", "must be a non-empty string");
  check(
    bundle.repositories === "all" || isStrings(bundle.repositories),
    "repositories",
    "must be `all` or a list of names",
  );
  check(Array.isArray(bundle.rules), "rules", "must be a list");
  bundle.rules.forEach((rule, index) => checkRule(rule, `rules[${index}]`));
  const { hash, ...content } = bundle;
  check(hash === hashOf(content), "hash", "does not belong to this content");
  return bundle;
}

function checkRule(rule: BundleRule, at: string): void {
  check(isObject(rule), at, "must be an object");
  check(typeof rule.policy === "string", `${at}.policy`, "must be a string");
  check(typeof rule.rule === "string", `${at}.rule`, "must be a string");
  check(ruleTypes.includes(rule.type), `${at}.type`, `must be one of ${ruleTypes.join(", ")}`);
  check(isStrings(rule.refs), `${at}.refs`, "must be a list of globs");
  check(
    rule.repositories === "*" || isStrings(rule.repositories),
    `${at}.repositories`,
    "must be `*` or a list of names",
  );
  check(rule.mode === "audit" || rule.mode === "enforce", `${at}.mode`, "must be audit or enforce");
  check(typeof rule.priority === "number", `${at}.priority`, "must be a number");
  const { type, params } = rule;
  check(type !== "max-object-size" || typeof params?.maxBytes === "number", `${at}.params.maxBytes`, "is required");
  check(
    type !== "commit-message-pattern" || typeof params?.pattern === "string",
    `${at}.params.pattern`,
    "is required",
  );
  check(type !== "path-lock" || isStrings(params?.paths), `${at}.params.paths`, "is required");
  check(type !== "wasm" || isWasm(params?.wasm), `${at}.params.wasm`, "must name a module and its digest");
}

function check(condition: boolean, at: string, message: string): asserts condition {
  if (!condition) throw new Error(`invalid policy bundle: ${at} ${message}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWasm(value: unknown): value is WasmSettings {
  if (!isObject(value) || !isObject(value.module)) return false;
  const { digest, image, objectRef } = value.module;
  const isNamed = typeof image === "string" || typeof objectRef === "string";
  return isNamed && typeof digest === "string" && /^sha256:[0-9a-f]{64}$/.test(digest);
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}
