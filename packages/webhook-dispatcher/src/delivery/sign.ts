/**
 * Signs a body twice: `X-Krate-Signature-256: sha256=<hex>` over the body, and the headers of Standard Webhooks
 * (https://www.standardwebhooks.com, spec 1.0) over `id.timestamp.body`.
 */
import { createHmac } from "node:crypto";

export const signatureHeader = "X-Krate-Signature-256";

export interface SignInput {
  /** Equal for all attempts of one delivery: receivers recognise repeats by it. */
  id: string;
  body: Buffer;
  secret: Buffer;
  at: Date;
}

export function signedHeaders({ id, body, secret, at }: SignInput): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const standard = createHmac("sha256", standardKey(secret))
    .update(`${id}.${timestamp}.`)
    .update(body)
    .digest("base64");
  return {
    [signatureHeader]: `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${standard}`,
  };
}

/** Standard Webhooks writes keys as `whsec_<base64>`; any other text is the key itself. */
function standardKey(secret: Buffer): Buffer {
  const text = secret.toString("utf8");
  return text.startsWith("whsec_") ? Buffer.from(text.slice("whsec_".length), "base64") : secret;
}
