import { defineConfigKind } from "../../../define-kind.ts";
import { commonStatus, nameOf, oneOf, secretKey, setOf, setOnce, Type, text, withRules } from "../../../schema.ts";

const header = (description: string, name: string) =>
  Type.Optional(Type.String({ maxLength: 100, pattern: "^[A-Za-z0-9-]+$", default: name, description }));

const spec = withRules(
  Type.Object(
    {
      organizationRef: Type.Optional(
        nameOf("Organization", "Organization the provider is for; the whole installation when absent (C-27)."),
      ),
      type: oneOf(["github", "sso", "delegated"], {
        description: "github: OAuth of GitHub; sso: any OpenID Connect issuer; delegated: headers of a trusted proxy.",
      }),
      label: Type.Optional(text(100, "Text of the sign-in button.")),
      enabled: Type.Optional(Type.Boolean({ default: true, description: "Offered at sign-in." })),
      issuer: Type.Optional(
        Type.String({ maxLength: 2048, pattern: "^https?://", description: "URL of the OpenID Connect issuer." }),
      ),
      clientId: Type.Optional(text(1024, "Client id registered at the provider.")),
      clientSecretRef: Type.Optional(secretKey("Client secret registered at the provider.")),
      scopes: Type.Optional(
        setOf(text(253, "A scope.", { minLength: 1 }), { maxItems: 32, description: "Scopes asked for." }),
      ),
      delegatedIdentity: Type.Optional(
        Type.Object(
          {
            userHeader: header("Header with the user name.", "X-Forwarded-User"),
            groupsHeader: header("Header with the groups, comma separated.", "X-Forwarded-Groups"),
            emailHeader: header("Header with the mail address.", "X-Forwarded-Email"),
            localDevelopment: Type.Optional(
              Type.Boolean({ default: false, description: "Requests from this machine without headers are let in." }),
            ),
          },
          { description: "Headers of the trusted proxy." },
        ),
      ),
    },
    { description: "Desired provider." },
  ),
  ...setOnce("organizationRef"),
  {
    rule: "self.type != 'sso' || has(self.issuer)",
    message: "issuer is required for type sso",
    reason: "FieldValueRequired",
  },
  {
    rule: "self.type == 'delegated' || !has(self.delegatedIdentity)",
    message: "delegatedIdentity may not be specified unless type is delegated",
  },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(oneOf(["Pending", "Ready", "Degraded", "Disabled"], { description: "One-word summary." })),
    callbackUrl: Type.Optional(text(2048, "Redirect URL to register at the provider.")),
  },
  { description: "Observed provider." },
);

/** A way to sign in (kinds.md §4.8, ID-07); configured by the installation, in the platform namespace. */
export const AuthProvider = defineConfigKind({
  kind: "AuthProvider",
  plural: "authproviders",
  description: "A way to sign in, configured by the installation.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Type", type: "string", jsonPath: ".spec.type" },
    { name: "Enabled", type: "boolean", jsonPath: ".spec.enabled" },
    { name: "Callback", type: "string", jsonPath: ".status.callbackUrl", priority: 1 },
  ],
  conditions: {
    CredentialsResolved: {
      description: "Client id and secret exist.",
      reasons: ["Resolved", "SecretMissing", "KeyMissing", "NotRequired"],
    },
    Reachable: { description: "The provider answers.", reasons: ["Reachable", "Unreachable", "NotRequired"] },
    Ready: {
      description: "People can sign in with it.",
      reasons: ["Ready", "Disabled", "CredentialsMissing", "Unreachable"],
    },
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch"],
  },
});
