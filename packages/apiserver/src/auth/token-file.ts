import { createHash } from "node:crypto";
import type { UserInfo } from "../context.ts";
import type { Authenticator } from "../services.ts";
import { bearerToken } from "./bearer.ts";

/**
 * Local users of the embedded forge, in the format of kube-apiserver's `--token-auth-file`: `token,user,uid,"group,group"` per line.
 * Tokens are kept by their digest, so looking one up takes the same time whatever it is.
 * @throws Error naming the line that is wrong
 */
export function parseTokenFile(text: string): Map<string, UserInfo> {
  const users = new Map<string, UserInfo>();
  text.split("\n").forEach((line, index) => {
    if (line.trim() === "" || line.trimStart().startsWith("#")) return;
    const [token = "", name = "", uid = "", groups = ""] = splitCsv(line.trim());
    if (token === "" || name === "") {
      throw new Error(`line ${index + 1} of the token file: must be token,user,uid,"group,group"`);
    }
    const list = groups
      .split(",")
      .map((group) => group.trim())
      .filter((group) => group !== "");
    users.set(digestOf(token), { name, ...(uid !== "" && { uid }), groups: list });
  });
  return users;
}

function splitCsv(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    (match) => match[1]?.replaceAll('""', '"') ?? (match[2] as string),
  );
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}

export function tokenFile(users: () => ReadonlyMap<string, UserInfo>): Authenticator {
  return (exchange) => {
    const token = bearerToken(exchange);
    return token === undefined ? undefined : userOfToken(users(), token);
  };
}

export function userOfToken(users: ReadonlyMap<string, UserInfo> | undefined, token: string): UserInfo | undefined {
  return users?.get(digestOf(token));
}
