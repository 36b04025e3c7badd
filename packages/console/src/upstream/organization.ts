import "server-only";
import { isReason, type ObjectOf, Organization, platformNamespace } from "@krate/kinds";
import { notFound } from "next/navigation";
import { cache } from "react";
import { goToSignIn, userApi } from "../session/current.ts";

/** What pages need of an organization. */
export interface OrganizationView {
  slug: string;
  displayName: string;
  description: string | undefined;
  namespace: string;
}

function viewOf({ metadata, spec, status }: ObjectOf<typeof Organization>): OrganizationView {
  const slug = spec.slug ?? metadata.name ?? "";
  const namespace = status?.namespaceName ?? spec.namespaceName ?? `krate-org-${slug}`;
  return { slug, displayName: spec.displayName, description: spec.description, namespace };
}

/** Organizations the user may see, by name. Every page asks for them, so this is where a token that has ended is noticed. */
export const listOrganizations = cache(async (): Promise<OrganizationView[]> => {
  const api = await userApi();
  try {
    const { items } = await api.list(Organization, { namespace: platformNamespace, limit: 500 });
    return items.map(viewOf).sort((a, b) => a.slug.localeCompare(b.slug));
  } catch (error) {
    if (isReason(error, "Unauthorized")) return goToSignIn();
    throw error;
  }
});

/** The organization of a page; anything else is the page "not found". */
export const organization = cache(async (slug: string): Promise<OrganizationView> => {
  const api = await userApi();
  try {
    const view = viewOf(await api.get(Organization, { namespace: platformNamespace, name: slug }));
    if (view.slug === slug) return view;
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
  return (await listOrganizations()).find((view) => view.slug === slug) ?? notFound();
});
