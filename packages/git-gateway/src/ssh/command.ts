import { GatewayError } from "../access/gateway-error.ts";
import { parseRepositoryPath } from "../http/route.ts";

/** Commands that are served. git-lfs-authenticate would be another one. */
export const sshServices = ["git-upload-pack", "git-receive-pack", "git-upload-archive"] as const;
export type SshService = (typeof sshServices)[number];

export interface SshCommand {
  service: SshService;
  namespace: string;
  repository: string;
}

const maxCommandLength = 4096;
/** Where a path needs no quotes: nothing a shell would look at. */
const plain = /^[A-Za-z0-9/._~-]+$/;

/**
 * Reads what a client wants executed. There is no shell: one command, one path, quoted as git does it (quote.c, sq_quote):
 *
 *   command = ("git-upload-pack" | "git upload-pack" | …) SP path
 *   path    = *( "'" *no-quote "'" | "\'" | "\!" ) | plain
 *
 * @throws {GatewayError} for everything else
 */
export function parseSshCommand(text: string): SshCommand {
  const match = /^(git[- ](?:upload-pack|receive-pack|upload-archive)) +(.+)$/s.exec(
    text.slice(0, maxCommandLength + 1),
  );
  if (!match || text.length > maxCommandLength)
    throw new GatewayError(400, `only ${sshServices.join(", ")} are served here, not ${shown(text)}`);
  const service = (match[1] as string).replace(" ", "-") as SshService;
  const argument = match[2] as string;
  const path = plain.test(argument) ? argument : dequote(argument);
  const repository = path === undefined ? undefined : parseRepositoryPath(path);
  if (!repository)
    throw new GatewayError(
      404,
      `${shown(path ?? argument)} is not a repository: repositories are at /<namespace>/<repository>.git`,
    );
  return { service, ...repository };
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
