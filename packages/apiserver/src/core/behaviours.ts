import { type CustomResourcePublisher, customResourceDefinitionStrategy } from "./custom-resource-definitions.ts";
import { finalizeNamespace, namespaceStrategy } from "./namespaces.ts";
import type { CoreBehaviours } from "./resources.ts";

/** What each core kind does beyond its schema, by `<group>/<resource>`. */
export function coreBehaviours({ publisher }: { publisher: CustomResourcePublisher }): CoreBehaviours {
  return {
    "/namespaces": {
      strategy: namespaceStrategy,
      nameRule: "label",
      selectableFields: ["status.phase"],
      subresources: { finalize: finalizeNamespace },
    },
    "apiextensions.k8s.io/customresourcedefinitions": {
      strategy: customResourceDefinitionStrategy(publisher),
      countsGeneration: true,
    },
  };
}
