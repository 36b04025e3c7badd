import type { Generator } from "../output-file.ts";
import { yamlFile } from "../yaml-file.ts";
import { type ProgramAccess, programNamespace, programs } from "./programs.ts";
import { clusterRole, clusterRoleBinding, mergeRules } from "./rules.ts";

/** The objects that give one program its identity and rights. */
export function programObjects(program: string, access: ProgramAccess): object[] {
  const name = `krate-${program}`;
  const account = { kind: "ServiceAccount", name: program, namespace: programNamespace } as const;
  const metadata = { name: program, namespace: programNamespace };
  const bound = (access.alsoBind ?? []).map((role) =>
    clusterRoleBinding(`${name}:${role.replace(/^system:/, "")}`, role, account),
  );
  const platform = access.platform && [
    { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata, rules: mergeRules(access.platform) },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: program },
      subjects: [account],
    },
  ];
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    clusterRole(name, mergeRules(access.cluster)),
    clusterRoleBinding(name, name, account),
    ...bound,
    ...(platform ?? []),
  ];
}

/** `deploy/rbac/<program>.yaml` for every program. */
export const generateProgramAccess: Generator = () =>
  Object.entries(programs).map(([program, access]) =>
    yamlFile(`deploy/rbac/${program}.yaml`, programObjects(program, access)),
  );
