import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { missingPrograms } from "./control-plane/binaries.ts";

/** What a test may need of the machine it runs on. */
export type Requirement = keyof typeof requirements;

/** The name of each requirement, and a check that answers what is missing and how to get it (undefined: it is there). */
export const requirements = {
  envtest: () => {
    if (process.env.KRATE_CONTROL_PLANE) return undefined;
    const missing = missingPrograms(["etcd", "kube-apiserver", "kube-controller-manager"]);
    return missing.length === 0 ? undefined : `${missing.join(", ")} not built: run hack/control-plane build`;
  },
  kyverno: () =>
    missingPrograms(["kyverno"]).length === 0 ? undefined : "kyverno not built: run hack/control-plane build kyverno",
  s3: () =>
    missingPrograms(["versitygw"]).length === 0
      ? undefined
      : "versitygw not built: run hack/control-plane build versitygw",
  gitea: () =>
    missingPrograms(["gitea"]).length === 0 ? undefined : "gitea not built: run hack/control-plane build gitea",
  docker: () => missingDocker(process.env),
  kubectl: () => missingCommand("kubectl", "run hack/control-plane build kubectl, or install it"),
  "postgres-15": () =>
    existsSync("/usr/lib/postgresql/15/bin/postgres") ? undefined : "no Postgres 15: apt-get install postgresql-15",
  git: () => missingCommand("git"),
  go: () => missingCommand("go", "see https://go.dev/dl"),
  "git-lfs": () => missingCommand("git-lfs"),
  ssh: () => missingCommand("ssh"),
  "ssh-keygen": () => missingCommand("ssh-keygen"),
  gpg: () => missingCommand("gpg"),
  zoekt: () => missingCommand("zoekt-webserver", "install zoekt") ?? missingCommand("zoekt-git-index", "install zoekt"),
  openssl: () => missingCommand("openssl"),
  chromium: () => missingCommand("chromium"),
} satisfies Record<string, () => string | undefined>;

/** Names in `KRATE_REQUIRE` (comma-separated, or `all`): there a missing requirement is a failure, not a skip. */
export function requiredByEnvironment(env: NodeJS.ProcessEnv = process.env): (name: string) => boolean {
  const names = new Set((env.KRATE_REQUIRE ?? "").split(",").map((name) => name.trim()));
  return (name) => names.has("all") || names.has(name);
}

/** Searches PATH without starting anything. */
export function findCommand(name: string, path = process.env.PATH ?? ""): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}

function missingCommand(name: string, advice = "install it"): string | undefined {
  return findCommand(name) ? undefined : `no ${name} on PATH: ${advice}`;
}

function missingDocker(env: NodeJS.ProcessEnv): string | undefined {
  if (env.DOCKER_HOST || existsSync("/var/run/docker.sock")) return undefined;
  return "no Docker engine: start one, or set DOCKER_HOST";
}
