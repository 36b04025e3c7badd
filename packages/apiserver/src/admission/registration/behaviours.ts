/** What the kinds of `admissionregistration.k8s.io` do beyond their schemas. */
import type { CoreBehaviours } from "../../core/resources.ts";
import {
  mutatingBindingStrategy,
  mutatingPolicyStrategy,
  validatingBindingStrategy,
  validatingPolicyStrategy,
} from "./policies.ts";
import { mutatingWebhookStrategy, validatingWebhookStrategy } from "./webhook-configurations.ts";

const group = "admissionregistration.k8s.io";

export const registrationBehaviours: CoreBehaviours = Object.fromEntries(
  Object.entries({
    validatingadmissionpolicies: validatingPolicyStrategy,
    validatingadmissionpolicybindings: validatingBindingStrategy,
    mutatingadmissionpolicies: mutatingPolicyStrategy,
    mutatingadmissionpolicybindings: mutatingBindingStrategy,
    validatingwebhookconfigurations: validatingWebhookStrategy,
    mutatingwebhookconfigurations: mutatingWebhookStrategy,
  }).map(([plural, strategy]) => [`${group}/${plural}`, { countsGeneration: true, strategy }]),
);
