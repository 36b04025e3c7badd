import { createHash } from "node:crypto";
import { parseTokenFile } from "@krate/pki/users";
import type { UserInfo } from "../context.ts";
import type { Authenticator } from "../services.ts";
import { bearerToken } from "./bearer.ts";

/**
 * Local users of the embedded forge, from the text of a token file (`@krate/pki/users`). Tokens are kept by their digest, so looking
 * one up takes the same time whatever it is.
 * @throws Error naming the line that is wrong
 */
export function tokenUsers(text: string): Map<string, UserInfo> {
  return new Map(
    parseTokenFile(text).map(({ token, user: name, uid, groups }) => [
      digestOf(token),
      { name, ...(uid !== "" && { uid }), groups },
    ]),
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
