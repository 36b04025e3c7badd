/**
 * Credentials of a request (RFC 9110 §11.6.2):
 *
 *   Authorization: Bearer <token>
 *   Authorization: Basic base64(<user> ":" <token>)      ; the user name is not looked at: git insists on sending one
 */
const maxTokenLength = 16 * 1024;

/** The bearer token of a request, "malformed" for a header that holds none, undefined without the header. */
export function tokenOf(authorization: string | undefined): string | "malformed" | undefined {
  if (authorization === undefined) return undefined;
  const [scheme = "", value = ""] = authorization.split(" ", 2);
  const token = scheme.toLowerCase() === "bearer" ? value : scheme.toLowerCase() === "basic" ? passwordOf(value) : "";
  const usable = token.length > 0 && token.length <= maxTokenLength && /^[\x21-\x7e]+$/.test(token);
  return usable ? token : "malformed";
}

function passwordOf(value: string): string {
  const text = Buffer.from(value, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? "" : text.slice(colon + 1);
}

/** The challenge that makes git ask its credential helper. */
export const challenge = {
  "www-authenticate": 'Basic realm="Krate: any user name, a Kubernetes token as password", charset="UTF-8"',
};
