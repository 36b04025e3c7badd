"use server";
import { ApiError, IssueComment, PullRequest, Review } from "@krate/kinds";
import { revalidatePath } from "next/cache";
import { userApi } from "../../../../../../../session/current.ts";
import { organization } from "../../../../../../../upstream/organization.ts";
import { commentObject, mergePatch, reviewObject } from "./pull-writes.ts";

/** What a form says of itself after it was sent: nothing, or the API's reason why not. */
export type Outcome = { problem?: string };

/** Comments, reviews or merges, as the button that was pressed says. The API decides whether the user may. */
export async function actOnPull(_previous: Outcome, form: FormData): Promise<Outcome> {
  const text = (name: string) => String(form.get(name) ?? "");
  const target = { org: text("org"), name: text("name"), headSha: text("headSha") };
  const body = text("body").trim();
  const action = text("action");
  try {
    const { namespace } = await organization(target.org);
    const api = await userApi();
    if (action === "merge") {
      await api.patch(PullRequest, { namespace, name: target.name }, mergePatch(target.headSha), { type: "merge" });
    } else if (action === "comment") {
      if (body === "") return { problem: "Write something first." };
      await api.create(IssueComment, commentObject({ ...target, namespace, body }));
    } else if (action === "approve" || action === "request-changes") {
      await api.create(Review, reviewObject({ ...target, namespace, body, decision: action }));
    }
  } catch (error) {
    if (error instanceof ApiError) return { problem: error.message };
    throw error;
  }
  revalidatePath("/orgs/[org]/repositories/[repository]/pulls/[name]", "page");
  return {};
}
