/** OpenPGP signatures (RFC 9580), by the library openpgp. It is loaded when the first such signature is met: it is large. */
import type { PublicKey } from "openpgp";

/** Whether `text` is an OpenPGP signature at all. */
export function isPgpSignature(text: string): boolean {
  return text.startsWith("-----BEGIN PGP SIGNATURE-----");
}

/** Largest signature that is looked at, bytes of armor. */
const maxArmorBytes = 64 * 1024;

/**
 * Which of `keys` made a signature over `payload`: its index.
 * @throws Error whose text says why the signature is not good, or that none of the keys made it
 */
export async function verifyPgpSignature(payload: Buffer, armor: string, keys: readonly PublicKey[]): Promise<number> {
  if (armor.length > maxArmorBytes) throw new Error("the signature is too large");
  const { createMessage, readSignature, verify } = await import("openpgp");
  const signature = await readSignature({ armoredSignature: armor }).catch((error: unknown) => {
    throw new Error("the signature is malformed", { cause: error });
  });
  const message = await createMessage({ binary: new Uint8Array(payload) });
  const [issuer] = signature.getSigningKeyIDs();
  const index = keys.findIndex((key) => issuer !== undefined && key.getKeys(issuer).length > 0);
  const key = keys[index];
  if (!key) throw new Error(`OpenPGP key ${issuer?.toHex().toUpperCase() ?? "unknown"} is not registered`);
  const { signatures } = await verify({ message, signature, verificationKeys: key });
  const [first] = signatures;
  if (!first) throw new Error("the signature is malformed");
  try {
    await first.verified;
  } catch (error) {
    throw new Error(`the signature is not good: ${(error as Error).message}`, { cause: error });
  }
  return index;
}

/** Reads an armored public key. @throws Error when it is none, or a private one */
export async function parsePgpKey(armored: string): Promise<PublicKey> {
  const { readKey } = await import("openpgp");
  const key = await readKey({ armoredKey: armored });
  if (key.isPrivate()) throw new Error("this is a private key");
  return key;
}
