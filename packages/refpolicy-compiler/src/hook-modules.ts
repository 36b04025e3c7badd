/** The WebAssembly modules that policies of a namespace name. */
import { ConfigMap, type ObjectOf, type RefPolicy } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import { parseModuleReference } from "@krate/refpolicy";

export type HookModules = ReadonlyMap<string, Uint8Array | { problem: string }>;

/** Reads the modules that are in ConfigMaps; those in registries are looked at by the gateway that runs them. */
export async function readHookModules(
  client: KubeClient,
  namespace: string,
  policies: readonly ObjectOf<typeof RefPolicy>[],
): Promise<HookModules> {
  const references = new Set(
    policies.flatMap(({ spec }) => (spec.rules ?? []).flatMap(({ wasm }) => wasm?.module.objectRef ?? [])),
  );
  const modules = new Map<string, Uint8Array | { problem: string }>();
  for (const reference of references) {
    const found = parseModuleReference(reference);
    if (!found) continue; // the compiler says what it must be
    const configMap = await client.find(ConfigMap, { namespace, name: found.name });
    const data = configMap?.binaryData?.[found.key];
    modules.set(
      reference,
      data === undefined
        ? { problem: `ConfigMap "${found.name}" has no binaryData "${found.key}"` }
        : Buffer.from(data, "base64"),
    );
  }
  return modules;
}
