import { ConfigMap } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import type { ModuleSource } from "./module-store.ts";

const reference = /^configmap\/([a-z0-9]([-a-z0-9.]*[a-z0-9])?)\/([-._a-zA-Z0-9]+)$/;

/** Modules from `binaryData` of ConfigMaps in the policy's own namespace: `objectRef: configmap/<name>/<key>`. */
export function configMapModules(client: KubeClient): ModuleSource {
  return {
    async fetch(namespace, { objectRef = "" }) {
      const [, name, , key] = reference.exec(objectRef) ?? [];
      if (name === undefined || key === undefined)
        throw new Error(`objectRef ${JSON.stringify(objectRef)} must be configmap/<name>/<key>`);
      const configMap = await client.find(ConfigMap, { namespace, name });
      const data = configMap?.binaryData?.[key];
      if (data === undefined) throw new Error(`ConfigMap "${namespace}/${name}" has no binaryData "${key}"`);
      return Buffer.from(data, "base64");
    },
  };
}
