import type { BundleEvaluator } from "./kube-policies.ts";

/** Until @krate/refpolicy is there no bundle can be read, so a namespace with policies is refused as a whole (REF-11). */
export const bundleEvaluator: BundleEvaluator<never> = {
  parse: () => {
    throw new Error("this build cannot evaluate policy bundles");
  },
  evaluate: async () => [],
};
