import type { ServedResource } from "./resource.ts";

/** Every resource served now. Changes when CustomResourceDefinitions do. */
export class ResourceRegistry {
  readonly #byPath = new Map<string, ServedResource>();
  readonly #listeners: (() => void)[] = [];
  #generation = 0;

  /** Rises with every change: key for documents computed from the registry. */
  get generation(): number {
    return this.#generation;
  }

  add(...resources: readonly ServedResource[]): void {
    for (const resource of resources) {
      this.#byPath.set(pathOf(resource.group, resource.version, resource.plural), resource);
    }
    this.#changed();
  }

  remove(...resources: readonly { group: string; version: string; plural: string }[]): void {
    for (const { group, version, plural } of resources) this.#byPath.delete(pathOf(group, version, plural));
    this.#changed();
  }

  find(group: string, version: string, plural: string): ServedResource | undefined {
    return this.#byPath.get(pathOf(group, version, plural));
  }

  findByKind(group: string, kind: string, version?: string): ServedResource | undefined {
    for (const resource of this.#byPath.values()) {
      if (
        resource.group === group &&
        resource.kind === kind &&
        (version === undefined || resource.version === version)
      ) {
        return resource;
      }
    }
    return undefined;
  }

  /** Any version of a resource. */
  findResource(group: string, plural: string): ServedResource | undefined {
    for (const resource of this.#byPath.values()) {
      if (resource.group === group && resource.plural === plural) return resource;
    }
    return undefined;
  }

  all(): ServedResource[] {
    return [...this.#byPath.values()];
  }

  hasGroupVersion(group: string, version: string): boolean {
    return this.all().some((resource) => resource.group === group && resource.version === version);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  #changed(): void {
    this.#generation++;
    for (const listener of this.#listeners) listener();
  }
}

function pathOf(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}
