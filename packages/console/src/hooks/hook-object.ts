import "server-only";
import { isReason, type KindRef, type KubernetesObject } from "@krate/kinds";
import { notFound } from "next/navigation";
import { userApi } from "../session/current.ts";
import { discovery } from "./served-kind.ts";
import { sourceOfResource } from "./sources.ts";

const timeoutMilliseconds = 30_000;

/** The object behind a hook, by the resource name of an address, read as the user; anything else is the page "not found". */
export async function hookObject(
  resource: string,
  namespace: string,
  name: string,
): Promise<{ kind: KindRef; object: KubernetesObject }> {
  const source = sourceOfResource(resource) ?? notFound();
  const api = await userApi();
  const kind = (await discovery(api, AbortSignal.timeout(timeoutMilliseconds)).find(source)) ?? notFound();
  try {
    const key = source.scope === "Namespaced" ? { namespace, name } : { name };
    return { kind, object: await api.get(kind, key) };
  } catch (error) {
    if (isReason(error, "NotFound")) notFound();
    throw error;
  }
}
