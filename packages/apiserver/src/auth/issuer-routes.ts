import type { NonResourceRoute } from "../services.ts";
import { type ServiceAccountTokens, serviceAccountIssuer } from "./service-account-tokens.ts";

/** OpenID discovery of the ServiceAccount issuer, so that others can check its tokens. Source: KEP-1393. */
export function issuerRoutes(tokens: ServiceAccountTokens): NonResourceRoute[] {
  const configuration = {
    issuer: serviceAccountIssuer,
    jwks_uri: `${serviceAccountIssuer}/openid/v1/jwks`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
  };
  const answer = (contentType: string, value: unknown) => ({
    kind: "bytes" as const,
    status: 200,
    contentType,
    body: Buffer.from(JSON.stringify(value)),
  });
  return [
    {
      path: "/.well-known/openid-configuration",
      handle: (ctx) => {
        ctx.response = answer("application/json", configuration);
      },
    },
    {
      path: "/openid/v1/jwks",
      handle: async (ctx) => {
        ctx.response = answer("application/jwk-set+json", await tokens.jwks());
      },
    },
  ];
}
