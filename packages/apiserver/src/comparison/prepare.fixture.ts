import { dig, type JsonObject } from "@krate/apimachinery";
import { eventually } from "@krate/testing";
import type { Asker } from "./asker.ts";
import { definition as gadgetDefinition } from "./definition.ts";
import { sprocketDefinition } from "./sprocket-definition.ts";
import { gadget, gadgets, sprocket, sprockets } from "./step.ts";

const definitions = [gadgetDefinition, sprocketDefinition];
const definitionsPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** The namespace and both custom resources, ready to be written; what an earlier run left is removed. */
export async function prepareServer(ask: Asker["ask"]): Promise<void> {
  await unprepareServer(ask);
  const post = async (path: string, body: JsonObject) => (await ask({ name: "", method: "POST", path, body })).status;
  const isMade = async (path: string, body: JsonObject) => (await post(path, body)) === 201;
  await eventually(() => isMade("/api/v1/namespaces", { metadata: { name: "cmp" } }), { timeoutSeconds: 30 });
  for (const body of definitions) await eventually(() => isMade(definitionsPath, body), { timeoutSeconds: 30 });
  await eventually(() => isMade(`${gadgets}?dryRun=All`, gadget("probe")));
  await eventually(() => isMade(`${sprockets}?dryRun=All`, sprocket("probe")));
  const account = { name: "", path: "/api/v1/namespaces/cmp/serviceaccounts/default" };
  await eventually(async () => (await ask(account)).status === 200);
}

/** Asks for the removal of what {@link prepareServer} made; does not wait. */
export async function unprepareServer(ask: Asker["ask"]): Promise<void> {
  for (const definition of definitions) {
    await ask({
      name: "",
      method: "DELETE",
      path: `${definitionsPath}/${String(dig(definition, "metadata", "name"))}`,
    });
  }
  await ask({ name: "", method: "DELETE", path: "/api/v1/namespaces/cmp" });
}
