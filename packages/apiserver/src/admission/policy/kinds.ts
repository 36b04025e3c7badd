import type { ConfigKind } from "../../services.ts";

const group = "admissionregistration.k8s.io";

/** Where policies of one sort and their bindings are kept. */
export interface PolicyKinds {
  policy: ConfigKind;
  binding: ConfigKind;
}

export const validatingPolicyKinds: PolicyKinds = {
  policy: { group, version: "v1", kind: "ValidatingAdmissionPolicy", plural: "validatingadmissionpolicies" },
  binding: {
    group,
    version: "v1",
    kind: "ValidatingAdmissionPolicyBinding",
    plural: "validatingadmissionpolicybindings",
  },
};

/** @param version `v1` since Kubernetes 1.36, `v1beta1` before */
export function mutatingPolicyKinds(version: string): PolicyKinds {
  return {
    policy: { group, version, kind: "MutatingAdmissionPolicy", plural: "mutatingadmissionpolicies" },
    binding: { group, version, kind: "MutatingAdmissionPolicyBinding", plural: "mutatingadmissionpolicybindings" },
  };
}
