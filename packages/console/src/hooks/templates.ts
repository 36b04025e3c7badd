/** What "Add" buttons offer: commands that work as they are, for this repository only, and that warn before they refuse. */
import type { Command } from "../kubectl/commands.ts";

export interface TemplateScope {
  organization: string;
  namespace: string;
  repository: string;
}

const applied = (yaml: string) => `kubectl apply -f - <<'EOF'\n${yaml.trim()}\nEOF`;

export function refPolicyTemplates({ organization, namespace, repository }: TemplateScope): Command[] {
  return [
    {
      label: "A RefPolicy that reports rewritten history; mode: enforce refuses it",
      text: applied(`
apiVersion: krate.a5c.ai/v1alpha1
kind: RefPolicy
metadata:
  name: ${repository}-history
  namespace: ${namespace}
spec:
  organizationRef: ${organization}
  scope:
    repositories:
      - ${repository}
  rules:
    - name: no-force-push
      type: block-force-push
      mode: audit
      refs:
        - refs/heads/main
      message: History of shared branches is not rewritten. Push a new commit, or a new branch.
`),
    },
    {
      label: "A BranchProtection: main moves only by pull requests with one approval",
      text: applied(`
apiVersion: krate.a5c.ai/v1alpha1
kind: BranchProtection
metadata:
  name: ${repository}-main
  namespace: ${namespace}
spec:
  organizationRef: ${organization}
  repository: ${repository}
  refs:
    - refs/heads/main
  requiredApprovals: 1
`),
    },
  ];
}

export function webhookTemplates({ organization, namespace, repository }: TemplateScope): Command[] {
  return [
    {
      label: "A WebhookSubscription; put your URL in",
      text: applied(`
apiVersion: krate.a5c.ai/v1alpha1
kind: WebhookSubscription
metadata:
  name: ${repository}-events
  namespace: ${namespace}
spec:
  organizationRef: ${organization}
  repository: ${repository}
  url: https://example.com/hook
  events:
    - push
    - pull_request
`),
    },
  ];
}

/** CEL that reads the same in Kubernetes' policies and in Kyverno's. */
const described = `
  matchConditions:
    - name: of-this-repository
      expression: object.spec.repository == 'REPOSITORY'
  validations:
    - expression: has(object.spec.body) && object.spec.body.trim().size() > 0
      message: a pull request needs a description that says why; set spec.body`;

const pullRequestRules = `
    namespaceSelector:
      matchLabels:
        kubernetes.io/metadata.name: NAMESPACE
    resourceRules:
      - apiGroups:
          - forge.krate.a5c.ai
        apiVersions:
          - v1alpha1
        operations:
          - CREATE
          - UPDATE
        resources:
          - pullrequests`;

export function policyTemplates({ namespace, repository }: TemplateScope, hasKyverno: boolean): Command[] {
  const filled = (yaml: string) =>
    applied(yaml.replaceAll("NAMESPACE", namespace).replaceAll("REPOSITORY", repository));
  const kubernetes = {
    label:
      "Built into Kubernetes: warns about pull requests without a description; validationActions: [Deny] refuses them",
    text: filled(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: REPOSITORY-described
spec:
  failurePolicy: Fail
  matchConstraints:${pullRequestRules}${described}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: REPOSITORY-described
spec:
  policyName: REPOSITORY-described
  validationActions:
    - Warn
    - Audit
`),
  };
  const kyverno = {
    label: "Kyverno: reports pull requests without a description; validationActions: [Deny] refuses them",
    text: filled(`
apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata:
  name: REPOSITORY-described
spec:
  validationActions:
    - Audit
  matchConstraints:${pullRequestRules}${described}
`),
  };
  return hasKyverno ? [kyverno, kubernetes] : [kubernetes];
}
