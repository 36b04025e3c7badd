import { randomBytes } from "node:crypto";
import type { JsonObject } from "../json.ts";
import { dig, isObject } from "../json.ts";
import type { Schema } from "../schema/types.ts";
import type { ReferenceAddress, ReferenceAnswer, ReferenceRequest } from "./kube-apiserver.ts";
import { referenceServer } from "./kube-apiserver.ts";

export type Until = (
  check: () => Promise<boolean>,
  options: { timeoutSeconds: number; description: string },
) => Promise<unknown>;

/** A cluster-scoped kind `Thing` on a real kube-apiserver, in a group of its own. */
export class ReferenceKind {
  readonly send: (request: ReferenceRequest) => Promise<ReferenceAnswer>;
  protected readonly until: Until;
  readonly group = `ref-${randomBytes(4).toString("hex")}.krate.test`;

  /** @param until waits until a check holds: `eventually` of @krate/testing, which only tests may import */
  constructor(address: ReferenceAddress, until: Until) {
    this.send = referenceServer(address);
    this.until = until;
  }

  get path(): string {
    return `/apis/${this.group}/v1/things`;
  }

  object(spec: JsonObject, metadata: JsonObject = { name: "t" }): JsonObject {
    return { apiVersion: `${this.group}/v1`, kind: "Thing", metadata, spec };
  }

  /** Defines the kind and waits until objects of it can be listed; with `dryRun` only asks whether the definition is accepted. */
  async define(schema: Schema, { dryRun = false, columns = [] as JsonObject[] } = {}): Promise<ReferenceAnswer> {
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions${dryRun ? "?dryRun=All" : ""}`;
    const answer = await this.send({ method: "POST", path, body: this.#definition(schema, columns) });
    if (!dryRun && answer.code < 300) {
      await this.until(async () => (await this.send({ method: "GET", path: this.path })).code === 200, {
        timeoutSeconds: 20,
        description: "the CRD",
      });
    }
    return answer;
  }

  #definition(schema: Schema, additionalPrinterColumns: JsonObject[]): JsonObject {
    const version = {
      name: "v1",
      served: true,
      storage: true,
      schema: { openAPIV3Schema: schema as unknown as JsonObject },
      additionalPrinterColumns,
    };
    return {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `things.${this.group}` },
      spec: { group: this.group, scope: "Cluster", names: { kind: "Thing", plural: "things" }, versions: [version] },
    };
  }

  async remove(): Promise<void> {
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.${this.group}`;
    await this.send({ method: "DELETE", path });
  }
}

/** `field: message` of each cause of a Status. */
export function causesOf(body: JsonObject): string[] {
  const list = dig(body, "details", "causes");
  return (Array.isArray(list) ? list : [])
    .filter(isObject)
    .map(({ field, message }) => `${String(field)}: ${String(message)}`);
}
