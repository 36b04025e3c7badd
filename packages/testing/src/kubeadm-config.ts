export interface KubeadmOptions {
  /** Address of the node in its Docker network. */
  address: string;
  /** As in the image's `/kind/version`. */
  kubernetesVersion: string;
  /** Host under which this machine reaches the node's published port. */
  externalHost: string;
  /** File in the node with the people of the tests (`--token-auth-file`). @defaultValue none */
  tokenAuthFile?: string;
}

/** Addresses of Pods; kind's default. */
export const podSubnet = "10.244.0.0/16";

/**
 * Configuration of `kubeadm init` for a kind node, as YAML documents: what kind itself writes (`pkg/cluster/internal/kubeadm`),
 * for a single node on which Pods may run. kubeadm's own format: https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/
 */
export function kubeadmConfig({ address, kubernetesVersion, externalHost, tokenAuthFile }: KubeadmOptions): string {
  const kubeadm = "kubeadm.k8s.io/v1beta4";
  const documents = [
    {
      apiVersion: kubeadm,
      kind: "ClusterConfiguration",
      clusterName: "kind",
      kubernetesVersion,
      apiServer: {
        certSANs: [...new Set(["localhost", "127.0.0.1", externalHost, address])],
        ...(tokenAuthFile !== undefined && {
          extraArgs: [{ name: "token-auth-file", value: tokenAuthFile }],
          extraVolumes: [
            { name: "people", hostPath: tokenAuthFile, mountPath: tokenAuthFile, readOnly: true, pathType: "File" },
          ],
        }),
      },
      controllerManager: { extraArgs: [{ name: "enable-hostpath-provisioner", value: "true" }] },
      networking: { podSubnet, serviceSubnet: "10.96.0.0/16" },
    },
    {
      apiVersion: kubeadm,
      kind: "InitConfiguration",
      localAPIEndpoint: { advertiseAddress: address, bindPort: 6443 },
      nodeRegistration: {
        criSocket: "unix:///run/containerd/containerd.sock",
        kubeletExtraArgs: [{ name: "node-ip", value: address }],
        taints: [],
      },
    },
    {
      apiVersion: "kubelet.config.k8s.io/v1beta1",
      kind: "KubeletConfiguration",
      cgroupDriver: "systemd",
      cgroupRoot: "/kubelet",
      failSwapOn: false,
      imageGCHighThresholdPercent: 100, // the disk is the host's: nothing here may judge how full it is
      evictionHard: { "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%" },
    },
    {
      apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
      kind: "KubeProxyConfiguration",
      mode: "iptables",
      conntrack: { maxPerCore: 0 }, // a container may not change the host's connection tracking
    },
  ];
  return documents.map((document) => `${JSON.stringify(document, undefined, 2)}\n`).join("---\n");
}
