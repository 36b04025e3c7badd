import { writeFile } from "node:fs/promises";
import { join } from "node:path";
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
  /** Kubeconfig of the cluster administrator, for use on this machine. */
  kubeconfig: string;
  stop(): Promise<void>;
}

const defaultImage = "kindest/node:v1.34.0";
const apiServerPort = 6443;
const adminConfig = "/etc/kubernetes/admin.conf";

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
    await initialise(container);
    const kubeconfig = join(folder.path, "kubeconfig");
    await writeFile(kubeconfig, await readKubeconfig(container), { mode: 0o600 });
    return { kubeconfig, stop, [Symbol.asyncDispose]: stop };
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

async function initialise(container: StartedTestContainer): Promise<void> {
  const address = (await run(container, "hostname --ip-address")).trim().split(" ")[0] ?? "";
  const kubernetesVersion = (await run(container, "cat /kind/version")).trim();
  const config = kubeadmConfig({ address, kubernetesVersion, externalHost: container.getHost() });
  const kubectl = `kubectl --kubeconfig=${adminConfig}`;
  await container.copyContentToContainer([{ content: config, target: "/kind/kubeadm.conf" }]);
  await run(container, "kubeadm init --config=/kind/kubeadm.conf --skip-phases=preflight --skip-token-print");
  await run(
    container,
    `sed 's|{{ *.PodSubnet *}}|${podSubnet}|' /kind/manifests/default-cni.yaml | ${kubectl} apply -f -`,
  );
  await run(container, `${kubectl} apply -f /kind/manifests/default-storage.yaml`);
  await run(container, `${kubectl} wait --for=condition=Ready node --all --timeout=120s`);
}

/** The administrator's kubeconfig with the address at which this machine reaches the node. */
async function readKubeconfig(container: StartedTestContainer): Promise<string> {
  const server = `https://${container.getHost()}:${container.getMappedPort(apiServerPort)}`;
  return (await run(container, `cat ${adminConfig}`)).replace(/^(\s*server:).*$/m, `$1 ${server}`);
}

async function run(container: StartedTestContainer, command: string): Promise<string> {
  const { exitCode, output, stdout } = await container.exec(["bash", "-o", "pipefail", "-c", command]);
  if (exitCode !== 0)
    throw new Error(`cannot make a kind cluster: "${command}" ended with exit code ${exitCode}:\n${output}`);
  return stdout;
}
