import { GitError, movedMessage, type ReadOptions, runGit, zeroObjectId } from "@krate/git";

/** One ref to move through the gateway: only when it is at `expectedId` now; the zero id deletes or means "must not exist". */
export interface GatewayUpdate {
  ref: string;
  newId: string;
  expectedId: string;
}

export type PushOutcome =
  | { result: "landed" }
  /** The ref is not at `expectedId`. */
  | { result: "moved" }
  /** A policy or the gateway itself says no; `reason` is for people. */
  | { result: "refused"; reason: string };

export interface GatewayPort {
  push(
    repository: { namespace: string; name: string },
    update: GatewayUpdate,
    options: { from: ReadOptions; mergeOf?: string },
  ): Promise<PushOutcome>;
  /** Moves all of the refs or none. */
  pushTogether(
    repository: { namespace: string; name: string },
    updates: readonly GatewayUpdate[],
    options: { from: ReadOptions },
  ): Promise<PushOutcome>;
}

export interface GatewayOptions {
  /** Where git-gateway serves, without a trailing slash. */
  url: string;
  /** Value of the Authorization header; asked for every push, because tokens rotate. */
  authorization: () => Promise<string | undefined>;
  /** PEM file of the CA behind an https URL. @defaultValue those of the system */
  caFile?: string;
}

const pushTimeoutMs = 110_000;

/** The gateway did not answer as a Git server: it may be away, or our credentials are not accepted. Trying again later may help. */
export class GatewayUnavailableError extends Error {
  override readonly name = "GatewayUnavailableError";
}

/** Pushes with the real git; the token goes by environment, so that it stands on no command line. */
export function gitGateway(options: GatewayOptions): GatewayPort {
  const run = async (
    { namespace, name }: { namespace: string; name: string },
    { from, flags, updates }: { from: ReadOptions; flags: string[]; updates: readonly GatewayUpdate[] },
  ) => {
    const authorization = await options.authorization();
    const args = [
      "push",
      "--porcelain",
      "--no-verify",
      "--no-signed",
      ...flags,
      ...updates.map(({ ref, expectedId }) => {
        return `--force-with-lease=${ref}:${expectedId === zeroObjectId ? "" : expectedId}`;
      }),
      `${options.url}/${namespace}/${name}.git`,
      ...updates.map(({ ref, newId }) => `${newId === zeroObjectId ? "" : newId}:${ref}`),
    ];
    const { stdout, stderr, exitCode } = await runGit(args, {
      ...from,
      config: {
        ...from.config,
        "protocol.http.allow": "always",
        "protocol.https.allow": "always",
        "http.followRedirects": "false",
        ...(options.caFile && { "http.sslCAInfo": options.caFile }),
        ...(authorization === undefined ? {} : { "http.extraHeader": `Authorization: ${authorization}` }),
      },
      timeoutMs: pushTimeoutMs,
      okExitCodes: [0, 1, 128],
    });
    return { stdout: stdout.toString("utf8"), stderr, exitCode };
  };
  return {
    async push(repository, update, { from, mergeOf }) {
      const flags = mergeOf === undefined ? [] : ["-o", `krate.merge=${mergeOf}`];
      const { stdout, ...answer } = await run(repository, { from, flags, updates: [update] });
      return parsePush(stdout, { ...answer, ref: update.ref });
    },
    async pushTogether(repository, updates, { from }) {
      const { stdout, ...answer } = await run(repository, { from, flags: ["--atomic"], updates });
      return worstOf(updates.map(({ ref }) => parsePush(stdout, { ...answer, ref })));
    },
  };
}

/** Of refs that move together: what the one that stood in the way said, not what the others said because of it. */
export function worstOf(outcomes: readonly PushOutcome[]): PushOutcome {
  const failed = outcomes.filter(({ result }) => result !== "landed");
  const because = /^atomic push (failed|failure)/;
  const own = failed.find((outcome) => outcome.result !== "refused" || !because.test(outcome.reason));
  return own ?? failed[0] ?? { result: "landed" };
}

/**
 * Reads `git push --porcelain`:
 *
 *   line = flag TAB from ":" to TAB summary [ SP "(" reason ")" ]     ; flag "!" = refused, everything else = done
 *
 * @throws {GatewayUnavailableError} when there is no such line for the ref
 */
export function parsePush(
  stdout: string,
  { exitCode, stderr, ref }: { exitCode: number; stderr: string; ref: string },
): PushOutcome {
  const line = stdout
    .split("\n")
    .map((text) => text.split("\t"))
    .find((fields) => fields.length >= 3 && (fields[1] ?? "").endsWith(`:${ref}`));
  if (!line) {
    const cause = new GitError("push", { failure: "exit", exitCode, stderr });
    throw new GatewayUnavailableError(`git-gateway did not take the push: ${cause.message}`, { cause });
  }
  const [flag, , summary = ""] = line;
  if (flag !== "!") return { result: "landed" };
  const reason = /\((.*)\)\s*$/s.exec(summary)?.[1] ?? summary;
  if (
    reason === "stale info" ||
    reason === movedMessage ||
    /expected-old-value|fetch first|non-fast-forward|locked by another update/.test(reason)
  )
    return { result: "moved" };
  return { result: "refused", reason };
}
