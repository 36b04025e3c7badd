/**
 * `defineKind`: the single source of a kind. CRD YAML, OpenAPI, validators, table columns, RBAC roles, reference docs and
 * console descriptors are generated from what is said here (design D5).
 */
import type { Static, TSchema } from "typebox";
import { configGroup, recordGroup, version } from "./labels.ts";
import type { KindRef, KubernetesObject, Resource, Scope } from "./meta.ts";

/** A column of `kubectl get`. `priority: 1` shows only with `-o wide`. Age is added to every kind. */
export interface PrinterColumn {
  name: string;
  type: "string" | "integer" | "number" | "boolean" | "date";
  jsonPath: string;
  description?: string;
  priority?: 0 | 1;
}

/** A condition type with the reasons it may carry and what it means when True. */
export interface ConditionDeclaration {
  description: string;
  reasons: readonly string[];
  /** True is bad news (`Stale`, `RateLimited`). @defaultValue false */
  negative?: boolean;
}

/** A subresource served by krate-apiserver beside `status`. */
export interface SubresourceDeclaration {
  description: string;
  verbs: readonly ("get" | "create" | "update")[];
}

/** Who may do what with a kind out of the box (PER-01..03): verbs per installed role. Platform engineers may always do everything. */
export interface RoleVerbs {
  authenticated?: readonly string[];
  developers?: readonly string[];
  repoAdmins?: readonly string[];
}

export interface KindDefinition<Spec extends TSchema, Status extends TSchema> {
  readonly kind: string;
  readonly plural: string;
  /** @defaultValue lower-case kind */
  singular?: string;
  shortNames?: readonly string[];
  /** Beside `krate`, which every kind is in. */
  categories?: readonly string[];
  /** @defaultValue 'Namespaced' */
  scope?: Scope;
  description: string;
  spec: Spec;
  status: Status;
  printerColumns: readonly PrinterColumn[];
  /** JSON paths usable as field selectors, e.g. `.spec.repository`; indexed for records. */
  selectableFields?: readonly string[];
  conditions?: Record<string, ConditionDeclaration>;
  subresources?: Record<string, SubresourceDeclaration>;
  /** label → JSON path; the server keeps the label equal to the field and refuses other values (records). */
  mirroredLabels?: Record<string, string>;
  roles: RoleVerbs;
  /** Retention of finished objects, days; absent = forever (records, kinds.md §2.10). */
  retentionDays?: number;
  /** Objects are never changed after create (GitEvent, AuditEvent). @defaultValue false */
  appendOnly?: boolean;
}

export interface Kind<Spec extends TSchema = TSchema, Status extends TSchema = TSchema>
  extends Omit<KindDefinition<Spec, Status>, "scope">,
    KindRef<Resource<Static<Spec>, Static<Status>>> {
  readonly storage: "etcd" | "postgres";
  readonly scope: Scope;
  readonly singular: string;
}

function complete<Spec extends TSchema, Status extends TSchema>(
  storage: "etcd" | "postgres",
  definition: KindDefinition<Spec, Status>,
): Kind<Spec, Status> {
  return Object.freeze({
    scope: "Namespaced" as const,
    singular: definition.kind.toLowerCase(),
    ...definition,
    group: storage === "etcd" ? configGroup : recordGroup,
    version,
    storage,
  });
}

/** A configuration kind: a CRD in etcd, group `krate.a5c.ai`. */
export function defineConfigKind<Spec extends TSchema, Status extends TSchema>(
  definition: KindDefinition<Spec, Status>,
): Kind<Spec, Status> {
  return complete("etcd", definition);
}

/** A record kind: a row in Postgres, group `forge.krate.a5c.ai`, served by krate-apiserver. */
export function defineRecordKind<Spec extends TSchema, Status extends TSchema>(
  definition: KindDefinition<Spec, Status>,
): Kind<Spec, Status> {
  return complete("postgres", definition);
}

/** A kind somebody else defines (Pod, Secret, CustomResourceDefinition…), typed by the caller. */
export function foreignKind<T extends KubernetesObject>(ref: {
  group: string;
  version: string;
  kind: string;
  plural: string;
  scope?: Scope;
}): KindRef<T> {
  return Object.freeze({ scope: "Namespaced" as const, ...ref });
}
