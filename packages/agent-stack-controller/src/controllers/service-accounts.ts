/** AgentServiceAccounts: a native ServiceAccount kept in step. One that somebody else made is never taken over. */
import { defineController, done, ownedBy, watch } from "@krate/controller";
import {
  AgentServiceAccount,
  apiVersionOf,
  isFalse,
  isTrue,
  type KubernetesObject,
  Secret,
  ServiceAccount,
} from "@krate/kinds";

export const serviceAccounts = defineController({
  name: "agent-service-accounts",
  for: AgentServiceAccount,
  watches: [
    ownedBy(ServiceAccount, AgentServiceAccount),
    watch(Secret, ({ metadata }: KubernetesObject, { lister }) =>
      lister(AgentServiceAccount)
        .list(metadata?.namespace ?? "")
        .filter(({ spec }) => spec.imagePullSecretRefs?.includes(metadata?.name ?? ""))
        .map((account) => ({ namespace: metadata?.namespace ?? "", name: account.metadata.name ?? "" })),
    ),
  ],
  async reconcile({ metadata, spec }, { client, lister }) {
    const namespace = metadata.namespace ?? "";
    const { name = "", uid = "" } = metadata;
    const blocked = (reason: "NamespaceDenied" | "OwnedByOther", message: string) =>
      done({
        status: { phase: "Blocked" as const },
        conditions: [isFalse("ServiceAccountSynced", reason, message), isFalse("Ready", "NotSynced", message)],
      });
    if (spec.namespace !== namespace)
      return blocked(
        "NamespaceDenied",
        `spec.namespace must be "${namespace}", the organization's (it cannot be changed: make a new object)`,
      );
    const key = { namespace, name: spec.serviceAccountName };
    const existing = await client.find(ServiceAccount, key);
    const isOurs = !existing || existing.metadata?.ownerReferences?.some((owner) => owner.uid === uid);
    if (!isOurs)
      return blocked(
        "OwnedByOther",
        `ServiceAccount "${spec.serviceAccountName}" exists and is not this object's: choose another name`,
      );

    const applied = await client.apply(
      ServiceAccount,
      {
        metadata: {
          ...key,
          ownerReferences: [
            { apiVersion: apiVersionOf(AgentServiceAccount), kind: "AgentServiceAccount", name, uid, controller: true },
          ],
        },
        automountServiceAccountToken: spec.automountServiceAccountToken ?? false,
        imagePullSecrets: (spec.imagePullSecretRefs ?? []).map((secret) => ({ name: secret })),
      },
      { fieldManager: "agent-service-accounts", force: true },
    );
    const missing = (spec.imagePullSecretRefs ?? []).filter(
      (secret) => !lister(Secret).get({ namespace, name: secret }),
    );
    const pull = !spec.imagePullSecretRefs?.length
      ? isTrue("ImagePullSecretsReady", "NotConfigured")
      : missing.length === 0
        ? isTrue("ImagePullSecretsReady", "Ready")
        : isFalse("ImagePullSecretsReady", "SecretMissing", `Secret ${missing.join(", ")} does not exist: create it`);
    const ready =
      missing.length === 0 ? isTrue("Ready", "Ready") : isFalse("Ready", "SecretMissing", pull.message ?? "");
    return done({
      status: {
        phase: missing.length === 0 ? ("Ready" as const) : ("Blocked" as const),
        syncedServiceAccount: {
          name: spec.serviceAccountName,
          ...(applied.metadata?.uid && { uid: applied.metadata.uid }),
        },
      },
      conditions: [isTrue("ServiceAccountSynced", "Synced"), isTrue("TokenProjectionAllowed", "Allowed"), pull, ready],
    });
  },
});
