/**
 * The environment every git process gets. Nothing is inherited but the search path and the temporary folder: a GIT_* variable
 * of the parent (GIT_DIR, GIT_SSH_COMMAND, GIT_CONFIG_*...) must never reach a process that serves strangers, and neither
 * must the configuration of the account that runs us.
 */

/** Settings that hold for every process, whatever the repository's own config says (command scope wins). */
const baseConfig: Readonly<Record<string, string>> = {
  // A repository must not run code: no hooks, no file-system monitor, no external diff, pager, editor or ssh.
  "core.hooksPath": "/dev/null",
  "core.fsmonitor": "false",
  "core.pager": "cat",
  // No transport may be reached through a crafted URL (CVE-2022-39253 and its family).
  "protocol.allow": "never",
  "protocol.file.allow": "never",
  "protocol.ext.allow": "never",
  // Submodule and bundle URIs are never followed by a server.
  "submodule.recurse": "false",
  "fetch.recurseSubmodules": "false",
  "transfer.bundleURI": "false",
  "credential.helper": "",
  // Background housekeeping is planned by Krate, never started by a push.
  "gc.auto": "0",
  "maintenance.auto": "false",
  "receive.autogc": "false",
  // An acknowledged push survives a power failure. "batch" pays one flush for many loose objects.
  "core.fsync": "committed",
  "core.fsyncMethod": "batch",
  // Paths are bytes: never quoted, so that machine formats (-z) and text agree.
  "core.quotePath": "false",
  "advice.detachedHead": "false",
  // A replacement ref pushed by a client must not change what anybody else reads.
  "core.useReplaceRefs": "false",
};

export interface GitEnvironmentOptions {
  /** The repository; set as GIT_DIR, so that nothing is discovered from the working directory. */
  gitDir?: string;
  /** Settings on top of the base ones, as `section.key` → value. */
  config?: Readonly<Record<string, string>>;
  /** Variables on top, for example GIT_OBJECT_DIRECTORY of a quarantine. Undefined removes one of ours. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Largest single allocation a git process may make, in bytes. Ends decompression bombs. @defaultValue 1 GiB */
  maxAllocationBytes?: number;
}

const defaultMaxAllocationBytes = 1024 ** 3;

/** Builds the complete environment of one git process. */
export function gitEnvironment(options: GitEnvironmentOptions = {}): NodeJS.ProcessEnv {
  const config = { ...baseConfig, ...(options.gitDir ? { "safe.directory": options.gitDir } : {}), ...options.config };
  const env: NodeJS.ProcessEnv = {
    PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
    TMPDIR: process.env["TMPDIR"] ?? "/tmp",
    HOME: "/nonexistent",
    LC_ALL: "C",
    TZ: "UTC",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "/bin/false",
    GIT_PAGER: "cat",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_ALLOC_LIMIT: String(options.maxAllocationBytes ?? defaultMaxAllocationBytes),
    ...(options.gitDir ? { GIT_DIR: options.gitDir } : {}),
  };
  let count = 0;
  for (const [key, value] of Object.entries(config)) {
    env[`GIT_CONFIG_KEY_${count}`] = key;
    env[`GIT_CONFIG_VALUE_${count}`] = value;
    count++;
  }
  env["GIT_CONFIG_COUNT"] = String(count);
  for (const [key, value] of Object.entries(options.env ?? {})) {
    if (value === undefined) delete env[key];
    else env[key] = value;
  }
  return env;
}
