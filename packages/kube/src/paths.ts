/** Where a kind lives: `/api/v1/...` for the core group, `/apis/<group>/<version>/...` for all others. */
import { badRequest, type KindRef, resourceNameOf } from "@krate/kinds";

export interface PathParts {
  namespace?: string | undefined;
  name?: string | undefined;
  subresource?: string | undefined;
}

/** @throws ApiError BadRequest when an object of a namespaced kind is addressed without its namespace */
export function pathOf(kind: KindRef, { namespace, name, subresource }: PathParts): string {
  const root = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  if (kind.scope === "Namespaced" && name !== undefined && !namespace)
    throw badRequest(`${resourceNameOf(kind)} "${name}" was addressed without its namespace`);
  const scope = kind.scope === "Namespaced" && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  const object = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  const sub = subresource === undefined ? "" : `/${subresource}`;
  return `${root}${scope}/${kind.plural}${object}${sub}`;
}

export function queryOf(query: Record<string, string | number | boolean | undefined>): string {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") parts.push(`${key}=${encodeURIComponent(value)}`);
  }
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}
