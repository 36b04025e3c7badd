/** Says of each SSH key whether it counts, and which one it is (GIT-11, kinds.md §5.2). */
import { type Controller, defineController, done, watch } from "@krate/controller";
import { SSHKey } from "@krate/kinds";
import { keyIdentity, planKeyStatus, type SSHKeyObject } from "../ssh-key/status.ts";
import { indexes } from "./indexes.ts";

export function sshKeys(): Controller {
  return defineController({
    name: "ssh-keys",
    for: SSHKey,
    watches: [
      // A key that comes or goes decides whether another one of the same fingerprint counts.
      watch(SSHKey, (key, { lister }) =>
        sameKeys(key, lister(SSHKey)).map(({ metadata }) => ({
          namespace: metadata.namespace ?? "",
          name: metadata.name ?? "",
        })),
      ),
    ],
    async reconcile(key, { lister }) {
      return done(planKeyStatus(key, sameKeys(key, lister(SSHKey))));
    },
  });
}

function sameKeys(key: SSHKeyObject, keys: { byIndex(name: string, value: string): SSHKeyObject[] }): SSHKeyObject[] {
  return keyIdentity(key)
    .flatMap((identity) => keys.byIndex(indexes.sshKey, identity))
    .filter(({ metadata }) => metadata.uid !== key.metadata.uid);
}
