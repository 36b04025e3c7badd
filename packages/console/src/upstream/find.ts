import "server-only";
import { isReason, type KindRef, type ObjectOf } from "@krate/kinds";
import { notFound } from "next/navigation";
import { cache } from "react";
import { userApi } from "../session/current.ts";

/** The object a page is about, once per request; what does not exist is the page "not found". */
export const pageObject = cache(
  async <K extends KindRef>(kind: K, namespace: string, name: string): Promise<ObjectOf<K>> => {
    try {
      return await (await userApi()).get(kind, { namespace, name });
    } catch (error) {
      if (isReason(error, "NotFound")) notFound();
      throw error;
    }
  },
);

/** Everything a field selector finds, at most `limit`: for the few objects that hang on one. */
export async function related<K extends KindRef>(
  kind: K,
  namespace: string,
  fieldSelector: string,
  limit = 500,
): Promise<ObjectOf<K>[]> {
  return (await (await userApi()).list(kind, { namespace, fieldSelector, limit })).items;
}
