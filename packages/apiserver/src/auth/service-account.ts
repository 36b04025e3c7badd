import type { Authenticator } from "../services.ts";
import { bearerToken } from "./bearer.ts";
import type { ServiceAccountTokens } from "./service-account-tokens.ts";

/** Bearer tokens of ServiceAccounts, issued for this API server. */
export function serviceAccount(tokens: ServiceAccountTokens): Authenticator {
  return (exchange) => {
    const token = bearerToken(exchange);
    if (token === undefined || !tokens.isOurs(token)) return undefined;
    return tokens.verify(token).then(({ user }) => user);
  };
}
