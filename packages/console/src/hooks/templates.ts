/** What "Add" buttons offer: commands that work as they are, for the page's repository or its organization only, and that warn before they refuse. */
import type { Command } from "../kubectl/commands.ts";

export interface TemplateScope {
  organization: string;
  namespace: string;
  /** Absent: for all repositories of the organization. */
  repository: string | undefined;
}

const applied = (yaml: string) => `kubectl apply -f - <<'EOF'\n${yaml.trim()}\nEOF`;

export function refPolicyTemplates({ organization, namespace, repository }: TemplateScope): Command[] {
  const prefix = repository ?? organization;
  return [
    {
      label: "A RefPolicy that reports rewritten history; mode: enforce refuses it",
      text: applied(`
apiVersion: krate.a5c.ai/v1alpha1
kind: RefPolicy
metadata:
  name: ${prefix}-history
  namespace: ${namespace}
spec:
  organizationRef: ${organization}${repository ? `\n  scope:\n    repositories:\n      - ${repository}` : ""}
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
  name: ${prefix}-main
  namespace: ${namespace}
spec:
  organizationRef: ${organization}${repository ? `\n  repository: ${repository}` : ""}
  refs:
    - refs/heads/main
  requiredApprovals: 1
`),
    },
  ];
}

export function webhookTemplates({ organization, namespace, repository }: TemplateScope): Command[] {
  const prefix = repository ?? organization;
  return [
    {
      label: "A WebhookSubscription; put your URL in",
      text: applied(`
apiVersion: krate.a5c.ai/v1alpha1
kind: WebhookSubscription
metadata:
  name: ${prefix}-events
  namespace: ${namespace}
spec:
  organizationRef: ${organization}${repository ? `\n  repository: ${repository}` : ""}
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

const ofRepository = (repository: string) => `
  matchConditions:
    - name: of-this-repository
      expression: object.spec.repository == '${repository}'`;

export function policyTemplates(
  { organization, namespace, repository }: TemplateScope,
  { hasKyverno }: { hasKyverno: boolean },
): Command[] {
  const prefix = repository ?? organization;
  const only = repository ? ofRepository(repository) : "";
  const filled = (yaml: string) => applied(yaml.replaceAll("NAMESPACE", namespace).replaceAll("PREFIX", prefix));
  const kubernetes = {
    label:
      "Built into Kubernetes: warns about pull requests without a description; validationActions: [Deny] refuses them",
    text: filled(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: PREFIX-described
spec:
  failurePolicy: Fail
  matchConstraints:${pullRequestRules}${only}${described}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: PREFIX-described
spec:
  policyName: PREFIX-described
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
  name: PREFIX-described
spec:
  validationActions:
    - Audit
  matchConstraints:${pullRequestRules}${only}${described}
`),
  };
  return hasKyverno ? [kyverno, kubernetes] : [kubernetes];
}
