/**
 * @krate/pki: who somebody is, as files. `certificates.ts` makes authorities and leaves, `users.ts` the local people of a
 * forge without an identity provider, `kubeconfig.ts` what both are handed out in; `ssh/` (an entry of its own) keys and certificates of SSH.
 */
export * from "./certificates.ts";
export * from "./kubeconfig.ts";
export * from "./users.ts";
