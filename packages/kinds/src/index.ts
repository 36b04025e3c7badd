/** @krate/kinds: start reading at `define-kind.ts`, then any `<group>/<version>/<kind>/kind.ts`. */
export * from './conditions.ts';
export * from './core/index.ts';
export * from './define-kind.ts';
export * from './errors.ts';
export { PullRequest } from './forge/v1alpha1/pull-request/kind.ts';
export { Repository } from './krate/v1alpha1/repository/kind.ts';
export * from './labels.ts';
export * from './meta.ts';
export * from './schema.ts';
