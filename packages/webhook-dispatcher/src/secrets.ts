/** Signing keys: the Secret a subscription names, or one made for it. */
import { randomBytes } from "node:crypto";
import { apiVersionOf, isReason, type ObjectOf, Secret, WebhookSubscription } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";

type Subscription = ObjectOf<typeof WebhookSubscription>;

export type ResolvedSecret =
  | { ok: true; key: Buffer; version: string; ref: { name: string; key: string }; generated: boolean }
  | { ok: false; reason: "SecretMissing" | "KeyMissing"; message: string };

/** Deliveries of one subscription read its Secret at most this often; a rotation is in use after that. */
const cacheMs = 2000;
const generatedKey = "secret";

export interface Secrets {
  /** The current key, possibly a moment old. */
  resolve(subscription: Subscription): Promise<ResolvedSecret>;
  /** As `resolve`, but asks the server, and makes a Secret for a subscription that names none. */
  ensure(subscription: Subscription): Promise<ResolvedSecret>;
}

export function secretsOf(client: KubeClient): Secrets {
  const cache = new Map<string, { at: number; value: Promise<ResolvedSecret> }>();

  const read = async (subscription: Subscription): Promise<ResolvedSecret> => {
    const namespace = subscription.metadata.namespace ?? "";
    const ref = secretRefOf(subscription);
    const secret = await client.find(Secret, { namespace, name: ref.name });
    if (!secret) return { ok: false, reason: "SecretMissing", message: `Secret "${ref.name}" does not exist` };
    const value = secret.data?.[ref.key];
    if (!value) return { ok: false, reason: "KeyMissing", message: `Secret "${ref.name}" has no key "${ref.key}"` };
    const key = Buffer.from(value, "base64");
    return {
      ok: true,
      key,
      version: secret.metadata?.resourceVersion ?? "",
      ref,
      generated: !subscription.spec.secretRef,
    };
  };

  return {
    resolve(subscription) {
      const id = subscription.metadata.uid ?? "";
      const known = cache.get(id);
      const now = performance.now();
      if (known && now - known.at < cacheMs) return known.value;
      const value = read(subscription);
      value.catch(() => cache.delete(id));
      cache.set(id, { at: now, value });
      return value;
    },
    async ensure(subscription) {
      const found = await read(subscription);
      if (found.ok || subscription.spec.secretRef || found.reason !== "SecretMissing") return found;
      await generate(client, subscription);
      return read(subscription);
    },
  };
}

/** Where the key is, or will be generated. */
export function secretRefOf({ metadata, spec }: Subscription): { name: string; key: string } {
  return spec.secretRef ?? { name: `${(metadata.name ?? "").slice(0, 230)}-webhook-secret`, key: generatedKey };
}

async function generate(client: KubeClient, subscription: Subscription): Promise<void> {
  const { namespace = "", name = "", uid = "" } = subscription.metadata;
  const ref = secretRefOf(subscription);
  const owner = {
    apiVersion: apiVersionOf(WebhookSubscription),
    kind: "WebhookSubscription",
    name,
    uid,
    controller: true,
  };
  try {
    await client.create(Secret, {
      metadata: { namespace, name: ref.name, ownerReferences: [owner] },
      type: "Opaque",
      data: { [ref.key]: Buffer.from(randomBytes(32).toString("hex")).toString("base64") },
    });
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
  }
}
