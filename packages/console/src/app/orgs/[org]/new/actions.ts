"use server";
import { ApiError, Repository } from "@krate/kinds";
import { redirect } from "next/navigation";
import { userApi } from "../../../../session/current.ts";
import { organization } from "../../../../upstream/organization.ts";
import { repositoryObject } from "./repository-object.ts";

/** Creates the repository and goes there; answers with the API's reason when it is refused. */
export async function createRepository(_previous: string | undefined, form: FormData): Promise<string | undefined> {
  const text = (name: string) => String(form.get(name) ?? "").trim();
  const org = text("org");
  const name = text("name");
  try {
    const { namespace } = await organization(org);
    const answers = { description: text("description"), visibility: text("visibility"), readme: form.has("readme") };
    await (await userApi()).create(Repository, repositoryObject({ org, namespace, name, ...answers }));
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
  redirect(`/orgs/${encodeURIComponent(org)}/repositories/${encodeURIComponent(name)}`);
}
