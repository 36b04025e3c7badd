import type { RequestContext } from "../context.ts";

const admissionGroup = "admissionregistration.k8s.io";
const exemptKinds = new Set([
  "ValidatingWebhookConfiguration",
  "MutatingWebhookConfiguration",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
  "MutatingAdmissionPolicy",
  "MutatingAdmissionPolicyBinding",
]);

/** What decides who is asked is judged by nobody: a wrong one could not be removed any more. */
export function isExempt({ served }: RequestContext): boolean {
  return served.group === admissionGroup && exemptKinds.has(served.kind);
}
