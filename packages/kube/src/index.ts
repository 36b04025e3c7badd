/** @krate/kube: start reading at `types.ts` (the contract), then `client.ts`, then `informer.ts`. */
export { type KubeClientOptions, keyOf, kubeClient } from "./client.ts";
export { credentialsOf } from "./credentials.ts";
export { type EventRecorder, type EventRecorderOptions, eventRecorder, type RecordedEventType } from "./events.ts";
export { type ChangeListener, type Informer, type InformerOptions, informer } from "./informer.ts";
export { type AuthInfo, type ExecConfig, type KubeConfig, loadKubeConfig, parseKubeConfig } from "./kube-config.ts";
export { type Change, type ChangeType, type IndexFunction, ObjectStore, storeKey } from "./object-store.ts";
export { pathOf, queryOf } from "./paths.ts";
export {
  type AccessReviewResult,
  type AccessSubject,
  accessReview,
  type ResourceAttributes,
  type ReviewedUser,
  type ReviewOptions,
  type TokenReviewResult,
  tokenReview,
} from "./reviews.ts";
export * from "./types.ts";
