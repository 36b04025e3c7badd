/**
 * AgentRoleBindings: a native RoleBinding kept in step. Kubernetes itself refuses a binding that allows more than this
 * program may (RBAC escalation check): that refusal is the `EscalationAdmitted` condition.
 */
import { defineController, done, type MapContext, ownedBy, type ReconcileContext, WaitError } from "@krate/controller";
import {
  AgentRoleBinding,
  AgentServiceAccount,
  AgentStack,
  type ApiError,
  apiVersionOf,
  type ConditionInput,
  foreignKind,
  isFalse,
  isReason,
  isTrue,
  type KubernetesObject,
  type ObjectOf,
} from "@krate/kinds";
import { everyOneIn } from "./stacks.ts";

type Binding = ObjectOf<typeof AgentRoleBinding>;

interface NativeSubject {
  kind: string;
  name: string;
  namespace?: string;
  apiGroup?: string;
}

interface RoleBindingType extends KubernetesObject {
  roleRef: { apiGroup: string; kind: string; name: string };
  subjects?: NativeSubject[];
}

const rbac = { group: "rbac.authorization.k8s.io", version: "v1" } as const;
const RoleBinding = foreignKind<RoleBindingType>({ ...rbac, kind: "RoleBinding", plural: "rolebindings" });
const Role = foreignKind({ ...rbac, kind: "Role", plural: "roles" });
const ClusterRole = foreignKind({ ...rbac, kind: "ClusterRole", plural: "clusterroles", scope: "Cluster" });

/** A role that did not exist is looked for again this often: roles are not watched. */
const retrySeconds = 30;

export const roleBindings = defineController({
  name: "agent-role-bindings",
  for: AgentRoleBinding,
  watches: [
    ownedBy(RoleBinding, AgentRoleBinding),
    everyOneIn(AgentServiceAccount, AgentRoleBinding),
    everyOneIn(AgentStack, AgentRoleBinding),
  ],
  async reconcile(binding, context) {
    const { spec, metadata } = binding;
    const namespace = metadata.namespace ?? "";
    const { kind, name } = spec.roleRef;
    const role =
      kind === "Role"
        ? await context.client.find(Role, { namespace, name })
        : await context.client.find(ClusterRole, { name });
    const resolved = role
      ? isTrue("RoleResolved", "Resolved")
      : isFalse("RoleResolved", "RoleMissing", `${kind} "${name}" does not exist`);
    const subject = nativeSubject(binding, context);
    const subjects = subject
      ? isTrue("SubjectsResolved", "Resolved")
      : isFalse(
          "SubjectsResolved",
          "SubjectMissing",
          `${spec.subject.kind} "${spec.subject.name}" has no native identity yet`,
        );
    if (!role)
      throw new WaitError(retrySeconds, "the role is missing", {
        conditions: verdict([resolved, subjects], "RoleMissing"),
      });
    if (!subject)
      throw new WaitError(retrySeconds, "the subject is missing", {
        conditions: verdict([resolved, subjects], "SubjectMissing"),
      });
    if (spec.scope === "cluster") {
      const denied = isFalse(
        "EscalationAdmitted",
        "EscalationDenied",
        "scope cluster is not allowed here: use namespace, repository or organization",
      );
      return done({
        status: { phase: "Blocked" as const },
        conditions: verdict([resolved, subjects, denied], "EscalationDenied"),
      });
    }
    return bind(binding, subject, [resolved, subjects], context);
  },
});

async function bind(binding: Binding, subject: NativeSubject, found: ConditionInput[], { client }: ReconcileContext) {
  const { spec, metadata } = binding;
  const { name: own = "", uid = "", namespace = "" } = metadata;
  const name = spec.nativeRoleBindingName ?? `agent-${own}`;
  const owner = {
    apiVersion: apiVersionOf(AgentRoleBinding),
    kind: "AgentRoleBinding",
    name: own,
    uid,
    controller: true,
  };
  const existing = await client.find(RoleBinding, { namespace, name });
  if (existing && !existing.metadata?.ownerReferences?.some((reference) => reference.uid === uid)) {
    const foreign = isFalse(
      "NativeBindingSynced",
      "NativeBindingDrifted",
      `RoleBinding "${name}" exists and is not this object's: choose another nativeRoleBindingName`,
    );
    return done({ status: { phase: "Blocked" as const }, conditions: verdict([...found, foreign], "SubjectMissing") });
  }
  try {
    const sameRole = existing?.roleRef.kind === spec.roleRef.kind && existing.roleRef.name === spec.roleRef.name;
    if (existing && !sameRole) await client.delete(RoleBinding, { namespace, name }); // roleRef is immutable in Kubernetes
    await client.apply(
      RoleBinding,
      {
        metadata: { namespace, name, ownerReferences: [owner] },
        roleRef: { apiGroup: rbac.group, kind: spec.roleRef.kind, name: spec.roleRef.name },
        subjects: [subject],
      },
      { fieldManager: "agent-role-bindings", force: true },
    );
  } catch (error) {
    if (!isReason(error, "Forbidden")) throw error;
    const denied = isFalse("EscalationAdmitted", "EscalationDenied", (error as ApiError).message.slice(0, 1000));
    const unsynced = isFalse("NativeBindingSynced", "ApplyFailed", "Kubernetes refused the binding");
    return done({
      status: { phase: "Blocked" as const },
      conditions: verdict([...found, denied, unsynced], "EscalationDenied"),
    });
  }
  return done({
    status: { phase: "Ready" as const, syncedRoleRefs: [`RoleBinding/${name}`] },
    conditions: [
      ...found,
      isTrue("NativeBindingSynced", "Synced"),
      isTrue("EscalationAdmitted", "Admitted"),
      isTrue("Ready", "Ready"),
    ],
  });
}

function verdict(conditions: ConditionInput[], reason: string): ConditionInput[] {
  const message = conditions.find(({ status }) => status === "False")?.message ?? "";
  return [...conditions, isFalse("Ready", reason, message)];
}

/** Whom Kubernetes knows the subject as. */
function nativeSubject({ spec, metadata }: Binding, { lister }: MapContext): NativeSubject | undefined {
  const namespace = metadata.namespace ?? "";
  const { kind, name } = spec.subject;
  const account = (ref: string | undefined): NativeSubject | undefined => {
    const synced =
      ref === undefined
        ? undefined
        : lister(AgentServiceAccount).get({ namespace, name: ref })?.status?.syncedServiceAccount?.name;
    return synced === undefined ? undefined : { kind: "ServiceAccount", name: synced, namespace };
  };
  switch (kind) {
    case "user":
      return { kind: "User", name, apiGroup: rbac.group };
    case "group":
      return { kind: "Group", name, apiGroup: rbac.group };
    case "team":
      return { kind: "Group", name: `krate:org:${spec.organizationRef}:team:${name}`, apiGroup: rbac.group };
    case "service-account":
      return account(name);
    case "agent-stack":
      return account(lister(AgentStack).get({ namespace, name })?.spec.runtimeIdentity.serviceAccountRef);
    case "runner-pool":
      return undefined;
  }
}
