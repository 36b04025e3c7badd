import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ensureUsers, writeKubeconfig } from "@krate/pki";
import type { StartedTestContainer } from "testcontainers";
import { kubeadmConfig, podSubnet } from "./kubeadm-config.ts";
import { temporaryFolder } from "./temp-dir.ts";

export interface KindClusterOptions {
  /** A node image of kind (https://github.com/kubernetes-sigs/kind/releases). @defaultValue KRATE_KIND_IMAGE, else below */
  image?: string;
  /** Without the image's download. @defaultValue 300 s */
  startTimeoutSeconds?: number;
}

export interface KindCluster extends AsyncDisposable {
  /** For use on this machine: contexts admin (current), alice and bob, as the control plane of `hack/control-plane` has them. */
  kubeconfig: string;
  /** IP address at which the cluster reaches this machine. */
  machineAddress: string;
  stop(): Promise<void>;
}

const defaultImage = "kindest/node:v1.34.0";
const apiServerPort = 6443;
const adminConfig = "/etc/kubernetes/admin.conf";
const peopleFile = "/kind/users.csv";

/**
 * Starts a single-node kind cluster through testcontainers: kind's node image, and the steps of `kind create cluster` after
 * https://kind.sigs.k8s.io/docs/design/node-image/. Needs Docker: `skipWithout("docker")`. testcontainers is loaded here
 * and nowhere else, so a machine without Docker never pays for it.
 *
 * @throws Error with the output of the step that failed.
 */
export async function startKindCluster(options: KindClusterOptions = {}): Promise<KindCluster> {
  const image = options.image ?? process.env.KRATE_KIND_IMAGE ?? defaultImage;
  const container = await startNode(image, options.startTimeoutSeconds ?? 300);
  const folder = await temporaryFolder("kind");
  const stop = async () => {
    await container.stop();
    await folder.remove();
  };
  try {
    const people = join(folder.path, "users.csv");
    const users = ensureUsers(people);
    await initialise(container, await readFile(people, "utf8"));
    const kubeconfig = join(folder.path, "kubeconfig");
    const caFile = join(folder.path, "ca.crt");
    await writeFile(caFile, await run(container, "cat /etc/kubernetes/pki/ca.crt"));
    const server = `https://${container.getHost()}:${container.getMappedPort(apiServerPort)}`;
    const contexts = users.map(({ user, token }) => ({ name: user, user: { token } }));
    writeKubeconfig(kubeconfig, { server, caFile }, contexts);
    const machineAddress = (await run(container, "ip -4 route show default | cut -d ' ' -f 3")).trim();
    return { kubeconfig, machineAddress, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startNode(image: string, startTimeoutSeconds: number): Promise<StartedTestContainer> {
  const { GenericContainer, Wait } = await import("testcontainers");
  /** The flags of `docker run` that kind uses and testcontainers has no method for. */
  class NodeContainer extends GenericContainer {
    constructor() {
      super(image);
      this.createOpts.Tty = true;
      this.createOpts.Volumes = { "/var": {} }; // containerd cannot stack overlayfs on overlayfs
      Object.assign(this.hostConfig, { CgroupnsMode: "private" }); // in Docker's API, not in dockerode's types
    }
  }
  return new NodeContainer()
    .withPrivilegedMode()
    .withSecurityOpt("seccomp=unconfined", "apparmor=unconfined")
    .withTmpFs({ "/tmp": "rw", "/run": "rw" })
    .withBindMounts([{ source: "/lib/modules", target: "/lib/modules", mode: "ro" }])
    .withHostname("kind-control-plane")
    .withExposedPorts(apiServerPort)
    .withWaitStrategy(Wait.forLogMessage(/Reached target .*Multi-User System.*|detected cgroup v1/))
    .withStartupTimeout(startTimeoutSeconds * 1000)
    .start();
}

async function initialise(container: StartedTestContainer, people: string): Promise<void> {
  const address = (await run(container, "hostname --ip-address")).trim().split(" ")[0] ?? "";
  const kubernetesVersion = (await run(container, "cat /kind/version")).trim();
  const externalHost = container.getHost();
  const config = kubeadmConfig({ address, kubernetesVersion, externalHost, tokenAuthFile: peopleFile });
  const kubectl = `kubectl --kubeconfig=${adminConfig}`;
  await container.copyContentToContainer([
    { content: config, target: "/kind/kubeadm.conf" },
    { content: people, target: peopleFile, mode: 0o600 },
  ]);
  await run(container, "kubeadm init --config=/kind/kubeadm.conf --skip-phases=preflight --skip-token-print");
  await run(
    container,
    `sed 's|{{ *.PodSubnet *}}|${podSubnet}|' /kind/manifests/default-cni.yaml | ${kubectl} apply -f -`,
  );
  await run(container, `${kubectl} apply -f /kind/manifests/default-storage.yaml`);
  await run(container, `${kubectl} wait --for=condition=Ready node --all --timeout=120s`);
}

async function run(container: StartedTestContainer, command: string): Promise<string> {
  const { exitCode, output, stdout } = await container.exec(["bash", "-o", "pipefail", "-c", command]);
  if (exitCode !== 0)
    throw new Error(`cannot make a kind cluster: "${command}" ended with exit code ${exitCode}:\n${output}`);
  return stdout;
}
