import { ConfigMap } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import { parseModuleReference } from "@krate/refpolicy";
import type { ModuleSource } from "./module-store.ts";

/** Modules from `binaryData` of ConfigMaps in the policy's own namespace: `objectRef: configmap/<name>/<key>`. */
export function configMapModules(client: KubeClient): ModuleSource {
  return {
    async fetch(namespace, { objectRef = "" }) {
      const reference = parseModuleReference(objectRef);
      if (!reference) throw new Error(`objectRef ${JSON.stringify(objectRef)} must be configmap/<name>/<key>`);
      const { name, key } = reference;
      const configMap = await client.find(ConfigMap, { namespace, name });
      const data = configMap?.binaryData?.[key];
      if (data === undefined) throw new Error(`ConfigMap "${namespace}/${name}" has no binaryData "${key}"`);
      return Buffer.from(data, "base64");
    },
  };
}
