import { ApiError } from "@krate/kinds";
import { unstable_rethrow } from "next/navigation";

/** Runs a data route and answers an `ApiError` as its `Status`; anything else stays an error of the program. */
export async function answerErrors(route: () => Promise<Response>): Promise<Response> {
  try {
    return await route();
  } catch (error) {
    unstable_rethrow(error);
    if (error instanceof ApiError) return Response.json(error.toStatus(), { status: error.code });
    throw error;
  }
}
