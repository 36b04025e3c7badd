/** The names its Helm chart gives when it is installed as release `kyverno` in namespace `kyverno`. */
export const kyvernoNames = {
  namespace: "kyverno",
  serviceAccount: "kyverno-admission-controller",
  deployment: "kyverno-admission-controller",
  service: "kyverno-svc",
  configuration: "kyverno",
  metricsConfiguration: "kyverno-metrics",
};

const { namespace, serviceAccount, configuration, metricsConfiguration } = kyvernoNames;

/** Namespaces whose requests never reach it, so that a broken policy cannot lock the cluster: the chart's defaults. */
const exempt = ["kube-system", namespace];

/**
 * What the admission controller reads besides its policies, as the chart of version 1.19 renders it with its defaults.
 * Filters of kinds that only exist inside a cluster are left out.
 */
export const kyvernoManifests = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
  { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: serviceAccount, namespace } },
  {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: configuration, namespace },
    data: {
      enableDefaultRegistryMutation: "true",
      defaultRegistry: "docker.io",
      generateSuccessEvents: "false",
      excludeGroups: "system:nodes",
      resourceFilters: [
        "[Event,*,*]",
        ...[namespace, "kube-system", "kube-public", "kube-node-lease"].map((name) => `[*/*,${name},*]`),
        ...["Node", "Node/?*", "APIService", "APIService/?*", "Binding"].map((kind) => `[${kind},*,*]`),
        ...["TokenReview", "SubjectAccessReview", "SelfSubjectAccessReview"].map((kind) => `[${kind},*,*]`),
      ].join(" "),
      webhooks: JSON.stringify({
        namespaceSelector: {
          matchExpressions: exempt.map((name) => ({
            key: "kubernetes.io/metadata.name",
            operator: "NotIn",
            values: [name],
          })),
        },
      }),
    },
  },
  { apiVersion: "v1", kind: "ConfigMap", metadata: { name: metricsConfiguration, namespace }, data: {} },
];
