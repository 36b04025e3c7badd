/** @krate/kube: start reading at `types.ts` (the contract), then `client.ts`, then `informer.ts`. */
export { type KubeClientOptions, keyOf, kubeClient } from "./client.ts";
export { type AuthInfo, type ExecConfig, type KubeConfig, loadKubeConfig, parseKubeConfig } from "./kube-config.ts";
export * from "./types.ts";
