/** The core kinds as kube-apiserver describes them, read from `schemas.generated.json`. */
import type { Definitions } from "@krate/apimachinery";
import generated from "./schemas.generated.json" with { type: "json" };

export interface CoreColumn {
  name: string;
  type: string;
  format: string;
  description: string;
  priority: number;
}

export interface CoreSubresource {
  name: string;
  group: string;
  version: string;
  kind: string;
  verbs: string[];
  schema?: string;
}

export interface CoreResource {
  group: string;
  version: string;
  kind: string;
  resource: string;
  singular: string;
  namespaced: boolean;
  verbs: string[];
  shortNames: string[];
  categories: string[];
  /** Name in `coreDefinitions`. */
  schema: string;
  columns: CoreColumn[];
  subresources: CoreSubresource[];
}

export const coreResources = (generated as unknown as { resources: CoreResource[] }).resources;
export const coreDefinitions = (generated as unknown as { definitions: Definitions }).definitions;
