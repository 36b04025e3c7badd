/**
 * ServiceAccount tokens: JSON Web Tokens bound to a Pod or Secret, for named audiences.
 * Source: k8s.io/kubernetes/pkg/serviceaccount/claims.go.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import type { JsonObject } from "@krate/apimachinery";
import { unauthorized } from "@krate/kinds";
import { decodeJwt, exportJWK, type JWK, jwtVerify, SignJWT } from "jose";
import type { UserInfo } from "../context.ts";
import { isBeingDeleted, metadataOf, textOf } from "../objects.ts";

export const serviceAccountIssuer = "https://kubernetes.default.svc.cluster.local";
/** What a token for this API server itself is issued for. */
export const apiAudiences: readonly string[] = [serviceAccountIssuer];

export interface BoundObject {
  kind: "Pod" | "Secret" | "Node";
  name: string;
  uid: string;
}

export interface TokenSubject {
  namespace: string;
  name: string;
  uid: string;
  bound?: BoundObject | undefined;
}

interface KubernetesClaims {
  namespace?: string;
  serviceaccount?: { name?: string; uid?: string };
  pod?: { name?: string; uid?: string };
  secret?: { name?: string; uid?: string };
  node?: { name?: string; uid?: string };
}

/** Looks an object up when a token is checked: a token dies with what it is bound to. */
export type ObjectLookup = (
  resource: "serviceaccounts" | "pods" | "secrets" | "nodes",
  key: { namespace: string; name: string },
) => Promise<JsonObject | undefined>;

export interface VerifiedToken {
  user: UserInfo;
  audiences: string[];
}

const claimsKey = "kubernetes.io";
/** Signatures are checked once per token; what it is bound to every time. */
const maxRemembered = 10_000;

interface Remembered {
  subject: string;
  audiences: string[];
  expiresAt: number;
  credentialId: string | undefined;
  claims: KubernetesClaims;
}

export class ServiceAccountTokens {
  readonly #key: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #keyId: string;
  readonly #lookup: ObjectLookup;
  readonly #verified = new Map<string, Remembered>();

  /** @param pem EC P-256 private key, PKCS#8 */
  constructor(pem: string, lookup: ObjectLookup) {
    this.#key = createPrivateKey(pem);
    this.#publicKey = createPublicKey(this.#key);
    const spki = this.#publicKey.export({ type: "spki", format: "der" });
    this.#keyId = createHash("sha256").update(spki).digest("base64url");
    this.#lookup = lookup;
  }

  /** Signs a token. @param audiences as asked for; an empty list means this API server */
  async issue(
    subject: TokenSubject,
    {
      audiences,
      expirationSeconds,
      now,
      id,
    }: { audiences: readonly string[]; expirationSeconds: number; now: Date; id: string },
  ): Promise<{ token: string; expiresAt: Date }> {
    const { namespace, name, uid, bound } = subject;
    const issuedAt = Math.floor(now.getTime() / 1000);
    const expiresAt = issuedAt + expirationSeconds;
    const claims: KubernetesClaims = { namespace, serviceaccount: { name, uid } };
    if (bound !== undefined)
      claims[bound.kind.toLowerCase() as "pod" | "secret" | "node"] = { name: bound.name, uid: bound.uid };
    const token = await new SignJWT({ [claimsKey]: claims })
      .setProtectedHeader({ alg: "ES256", kid: this.#keyId })
      .setIssuer(serviceAccountIssuer)
      .setSubject(`system:serviceaccount:${namespace}:${name}`)
      .setAudience(audiences.length === 0 ? [...apiAudiences] : [...audiences])
      .setIssuedAt(issuedAt)
      .setNotBefore(issuedAt)
      .setExpirationTime(expiresAt)
      .setJti(id)
      .sign(this.#key);
    return { token, expiresAt: new Date(expiresAt * 1000) };
  }

  /** True for a token that says it is ours, whether or not that is so. */
  isOurs(token: string): boolean {
    if (this.#verified.has(token)) return true;
    try {
      return decodeJwt(token).iss === serviceAccountIssuer;
    } catch {
      return false;
    }
  }

  /**
   * Who a token stands for, when it is for one of these audiences.
   * @throws Unauthorized: signature, expiry, audience, or something it is bound to is gone
   */
  async verify(token: string, audiences: readonly string[] = apiAudiences): Promise<VerifiedToken> {
    const known = await this.#signed(token);
    if (known.expiresAt * 1000 <= Date.now()) throw unauthorized("the token has expired");
    const matching = known.audiences.filter((audience) => audiences.includes(audience));
    if (matching.length === 0) throw unauthorized("the token is not for this audience");
    await this.#checkBindings(known.claims);
    return { user: userOf(known), audiences: matching };
  }

  async #signed(token: string): Promise<Remembered> {
    const known = this.#verified.get(token);
    if (known !== undefined) return known;
    try {
      const { payload } = await jwtVerify(token, this.#publicKey, {
        issuer: serviceAccountIssuer,
        algorithms: ["ES256"],
      });
      const fresh: Remembered = {
        subject: payload.sub ?? "",
        audiences: payload.aud === undefined ? [] : Array.isArray(payload.aud) ? payload.aud : [payload.aud],
        expiresAt: payload.exp ?? 0,
        credentialId: payload.jti,
        claims: (payload[claimsKey] ?? {}) as KubernetesClaims,
      };
      if (this.#verified.size >= maxRemembered) this.#verified.clear();
      this.#verified.set(token, fresh);
      return fresh;
    } catch (cause) {
      throw Object.assign(unauthorized(), { cause });
    }
  }

  async #checkBindings({ namespace = "", serviceaccount, pod, secret, node }: KubernetesClaims): Promise<void> {
    await this.#checkObject("serviceaccounts", namespace, serviceaccount);
    if (pod !== undefined) await this.#checkObject("pods", namespace, pod);
    if (secret !== undefined) await this.#checkObject("secrets", namespace, secret);
    if (node !== undefined && pod === undefined) await this.#checkObject("nodes", "", node);
  }

  async #checkObject(
    resource: Parameters<ObjectLookup>[0],
    namespace: string,
    reference: { name?: string; uid?: string } | undefined,
  ): Promise<void> {
    const object = await this.#lookup(resource, { namespace, name: reference?.name ?? "" });
    if (object === undefined || textOf(metadataOf(object)["uid"]) !== reference?.uid) {
      throw unauthorized("what the token is bound to no longer exists");
    }
    if (resource !== "pods" && isBeingDeleted(object))
      throw unauthorized("what the token is bound to is being deleted");
  }

  /** For `/openid/v1/jwks`. */
  async jwks(): Promise<{ keys: JWK[] }> {
    const jwk = await exportJWK(this.#publicKey);
    return { keys: [{ ...jwk, kid: this.#keyId, alg: "ES256", use: "sig" }] };
  }
}

function userOf({ subject, claims, credentialId }: Remembered): UserInfo {
  const { namespace = "", serviceaccount, pod, node } = claims;
  return {
    name: subject,
    uid: serviceaccount?.uid,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
    extra: {
      ...(credentialId !== undefined && { "authentication.kubernetes.io/credential-id": [`JTI=${credentialId}`] }),
      ...(pod !== undefined && {
        "authentication.kubernetes.io/pod-name": [pod.name ?? ""],
        "authentication.kubernetes.io/pod-uid": [pod.uid ?? ""],
      }),
      ...(node !== undefined && {
        "authentication.kubernetes.io/node-name": [node.name ?? ""],
        ...(node.uid !== undefined && { "authentication.kubernetes.io/node-uid": [node.uid] }),
      }),
    },
  };
}
