import type { Kind } from "@krate/kinds";
import { objectSchemaOf } from "./object-schema.ts";
import type { Generator } from "./output-file.ts";
import type { StructuralSchema } from "./structural-schema.ts";
import { yamlFile } from "./yaml-file.ts";

/** A `CustomResourceDefinition`, as far as it is generated. */
export interface CustomResourceDefinition {
  apiVersion: "apiextensions.k8s.io/v1";
  kind: "CustomResourceDefinition";
  metadata: { name: string };
  spec: {
    group: string;
    names: {
      kind: string;
      listKind: string;
      plural: string;
      singular: string;
      shortNames?: string[];
      categories: string[];
    };
    scope: "Namespaced" | "Cluster";
    versions: {
      name: string;
      served: boolean;
      storage: boolean;
      schema: { openAPIV3Schema: StructuralSchema };
      subresources: { status: Record<string, never> };
      additionalPrinterColumns: CrdColumn[];
      selectableFields?: { jsonPath: string }[];
    }[];
  };
}

export interface CrdColumn {
  name: string;
  type: string;
  jsonPath: string;
  description?: string;
  priority?: number;
}

/** The column every kind ends with. */
const age: CrdColumn = { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" };

/** Columns of `kubectl get`, Age last. */
export function columnsOf(kind: Kind): CrdColumn[] {
  const columns = kind.printerColumns.map(({ name, type, jsonPath, description, priority }) => ({
    name,
    type,
    jsonPath,
    ...(description !== undefined && { description }),
    ...(priority && { priority }),
  }));
  return [...columns, age];
}

/**
 * The CRD of `kind`. Shipped for configuration kinds only; for records it exists so that tests and benchmarks can put the
 * same kind on a real kube-apiserver and compare.
 */
export function crdOf(kind: Kind): CustomResourceDefinition {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${kind.plural}.${kind.group}` },
    spec: {
      group: kind.group,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.singular,
        ...(kind.shortNames?.length && { shortNames: [...kind.shortNames] }),
        categories: categoriesOf(kind),
      },
      scope: kind.scope,
      versions: [
        {
          name: kind.version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: objectSchemaOf(kind) },
          subresources: { status: {} },
          additionalPrinterColumns: columnsOf(kind),
          ...(kind.selectableFields?.length && {
            selectableFields: kind.selectableFields.map((jsonPath) => ({ jsonPath })),
          }),
        },
      ],
    },
  };
}

/** `kubectl get krate` shows every kind. */
export function categoriesOf(kind: Kind): string[] {
  return ["krate", ...(kind.categories ?? [])];
}

/** `crds/<group>_<plural>.yaml` for every configuration kind. */
export const generateCrds: Generator = (kinds) =>
  kinds
    .filter((kind) => kind.storage === "etcd")
    .map((kind) => yamlFile(`crds/${kind.group}_${kind.plural}.yaml`, [crdOf(kind)]));
