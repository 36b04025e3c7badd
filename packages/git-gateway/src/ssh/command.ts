import { GatewayError } from "../access/gateway-error.ts";
import { parseRepositoryPath } from "../http/route.ts";
import type { LfsOperation } from "../lfs/protocol.ts";

/** Commands that are served. */
export const sshServices = [
  "git-upload-pack",
  "git-receive-pack",
  "git-upload-archive",
  "git-lfs-authenticate",
] as const;
export type SshService = (typeof sshServices)[number];

export interface SshCommand {
  service: SshService;
  namespace: string;
  repository: string;
  /** Of git-lfs-authenticate alone. */
  operation?: LfsOperation;
}

const maxCommandLength = 4096;
/** Where a path needs no quotes: nothing a shell would look at. */
const plain = /^[A-Za-z0-9/._~-]+$/;

/**
 * Reads what a client wants executed. There is no shell: one command, one path, quoted as git does it (quote.c, sq_quote):
 *
 *   command = ("git-upload-pack" | "git upload-pack" | …) SP path | "git-lfs-authenticate" SP path SP operation
 *   path    = *( "'" *no-quote "'" | "\'" | "\!" ) | plain
 *   operation = "download" | "upload"                                    ; quoted or not
 *
 * @throws {GatewayError} for everything else
 */
export function parseSshCommand(text: string): SshCommand {
  const match = /^(git[- ](?:upload-pack|receive-pack|upload-archive)|git-lfs-authenticate) +(.+)$/s.exec(
    text.slice(0, maxCommandLength + 1),
  );
  if (!match || text.length > maxCommandLength)
    throw new GatewayError(400, `only ${sshServices.join(", ")} are served here, not ${shown(text)}`);
  const service = (match[1] as string).replace(" ", "-") as SshService;
  const lfs = service === "git-lfs-authenticate" ? splitOperation(match[2] as string) : undefined;
  const argument = lfs?.path ?? (match[2] as string);
  const path = plain.test(argument) ? argument : dequote(argument);
  const repository = path === undefined ? undefined : parseRepositoryPath(path);
  if (!repository)
    throw new GatewayError(
      404,
      `${shown(path ?? argument)} is not a repository: repositories are at /<namespace>/<repository>.git`,
    );
  return { service, ...repository, ...(lfs && { operation: lfs.operation }) };
}

function splitOperation(text: string): { path: string; operation: LfsOperation } {
  const match = /^(.+?) +'?(download|upload)'?$/s.exec(text);
  if (!match)
    throw new GatewayError(
      400,
      `git-lfs-authenticate takes the path of a repository and "download" or "upload", not ${shown(text)}`,
    );
  return { path: match[1] as string, operation: match[2] as LfsOperation };
}

/** The one argument `text` quotes, or undefined when it is not exactly one. */
function dequote(text: string): string | undefined {
  if (!/^(?:'[^']*'|\\['!])+$/.test(text)) return undefined;
  return text.replace(
    /'([^']*)'|\\(['!])/g,
    (_, quoted: string | undefined, escaped: string | undefined) => quoted ?? escaped ?? "",
  );
}

function shown(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
