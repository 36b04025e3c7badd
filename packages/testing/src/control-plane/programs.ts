/** A program built from a Go module: one folder `hack/control-plane.d/modules/<folder>` and one row of {@link programs}. */
export interface GoProgram {
  /** Folder with go.mod and go.sum; several programs may share one. */
  folder: string;
  /** Main package. */
  package: string;
  /** The required module whose version is the program's version. */
  module: string;
  /** Built by `hack/control-plane build` without names; the others on request. */
  default: boolean;
  /** Linker flags beside `-s -w`. @defaultValue none */
  linkerFlags?: (version: string) => string[];
  /** Build tags. @defaultValue none */
  tags?: string[];
  /**
   * What of the required module the program needs beside it, copied when it is built: one folder, whose contents are copied, or
   * several, each under its name. @defaultValue none
   */
  files?: string | readonly string[];
  /** What a person should expect on two cores with an empty build cache. */
  buildMinutes: number;
}

const kubernetes = {
  folder: "kubernetes",
  module: "k8s.io/kubernetes",
  default: true,
  linkerFlags: stampKubernetes,
};

/** Everything `hack/control-plane build` knows how to build. */
export const programs = {
  etcd: {
    folder: "etcd",
    module: "go.etcd.io/etcd/server/v3",
    package: "go.etcd.io/etcd/server/v3",
    default: true,
    buildMinutes: 1,
  },
  "kube-apiserver": { ...kubernetes, package: "k8s.io/kubernetes/cmd/kube-apiserver", buildMinutes: 8 },
  "kube-controller-manager": {
    ...kubernetes,
    package: "k8s.io/kubernetes/cmd/kube-controller-manager",
    buildMinutes: 2,
  },
  kubectl: {
    ...kubernetes,
    folder: "kubectl",
    package: "k8s.io/kubernetes/cmd/kubectl",
    default: false,
    buildMinutes: 3,
  },
  kyverno: {
    folder: "kyverno",
    module: "github.com/kyverno/kyverno",
    package: "github.com/kyverno/kyverno/cmd/kyverno",
    default: false,
    linkerFlags: (version) => [`-X github.com/kyverno/kyverno/pkg/version.BuildVersion=${version}`],
    files: "config/crds",
    buildMinutes: 8,
  },
  // Without cgo there is no sqlite; Postgres is what two processes can share anyway.
  gitea: {
    folder: "gitea",
    module: "code.gitea.io/gitea",
    package: "code.gitea.io/gitea",
    default: false,
    linkerFlags: (version) => [`-X main.Version=${version.slice(1)}`],
    files: ["options", "templates", "public"],
    buildMinutes: 5,
  },
  versitygw: {
    folder: "versitygw",
    module: "github.com/versity/versitygw",
    package: "github.com/versity/versitygw/cmd/versitygw",
    default: true,
    buildMinutes: 2,
  },
} satisfies Record<string, GoProgram>;

export type ProgramName = keyof typeof programs;

/** What hack/lib/version.sh of Kubernetes stamps: without it the server says v0.0.0-master and clients misjudge its age. */
function stampKubernetes(version: string): string[] {
  const [major, minor] = version.slice(1).split(".");
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: "clean" };
  return ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((path) =>
    Object.entries(values).map(([name, value]) => `-X ${path}.${name}=${value}`),
  );
}
