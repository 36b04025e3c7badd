import { expect, test } from "@jest/globals";
import { kubeadmConfig } from "./kubeadm-config.ts";

test("people of the tests come from a file in the node, which the API server's Pod mounts", () => {
  const options = { address: "172.17.0.2", kubernetesVersion: "v1.34.0", externalHost: "localhost" };
  const [cluster] = kubeadmConfig({ ...options, tokenAuthFile: "/kind/users.csv" }).split("---\n");
  expect(JSON.parse(cluster ?? "").apiServer).toMatchObject({
    extraArgs: [{ name: "token-auth-file", value: "/kind/users.csv" }],
    extraVolumes: [{ hostPath: "/kind/users.csv", mountPath: "/kind/users.csv", readOnly: true, pathType: "File" }],
  });
});

test("the certificate is valid for the address from within and from without", () => {
  const text = kubeadmConfig({ address: "172.17.0.2", kubernetesVersion: "v1.34.0", externalHost: "docker.example" });
  const [cluster, init, ...rest] = text.split("---\n").map((document) => JSON.parse(document));
  expect(cluster).toMatchObject({
    kubernetesVersion: "v1.34.0",
    apiServer: { certSANs: ["localhost", "127.0.0.1", "docker.example", "172.17.0.2"] },
  });
  expect(init).toMatchObject({
    localAPIEndpoint: { advertiseAddress: "172.17.0.2" },
    nodeRegistration: { taints: [] },
  });
  expect(rest.map(({ kind }) => kind)).toEqual(["KubeletConfiguration", "KubeProxyConfiguration"]);
});
