/** What a client is told when a webhook refuses or cannot be asked. Source: k8s.io/apiserver/pkg/admission/plugin/webhook/errors. */
import type { JsonObject } from "@krate/apimachinery";
import { ApiError, badRequest, type Status, type StatusDetails, type StatusReason } from "@krate/kinds";
import { textOf } from "../../objects.ts";

const minErrorCode = 400;
/** HTTP knows no status code beyond. */
const maxErrorCode = 599;

/** A webhook said no. The client gets the webhook's own Status, whatever reason it carries. */
export class WebhookDenial extends ApiError {
  readonly #status: JsonObject;

  constructor(webhook: string, status: JsonObject | undefined) {
    const given = status?.["code"];
    const code = typeof given === "number" && given >= minErrorCode ? Math.min(given, maxErrorCode) : minErrorCode;
    const reason = textOf(status?.["reason"]);
    super(reason as StatusReason, messageOf(webhook, textOf(status?.["message"]), reason), {
      code,
      ...(status?.["details"] !== undefined && { details: status["details"] as StatusDetails }),
    });
    this.#status = status ?? {};
  }

  override toStatus(): Status {
    const { reason, ...status } = super.toStatus();
    const given = textOf(this.#status["status"]);
    return {
      ...status,
      ...(given !== "" && given !== "Success" && { status: given as Status["status"] }),
      ...(reason !== "" && { reason }),
    };
  }
}

function messageOf(webhook: string, message: string, reason: string): string {
  const denied = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  if (message !== "") return `${denied}: ${message}`;
  return reason === "" ? `${denied} without explanation` : `${denied}: ${reason}`;
}

/** The webhook could not be asked, or its answer was unusable. What the client is told depends on `failurePolicy`. */
export class WebhookCallError extends Error {
  /** For the metric: the code of what went wrong. */
  readonly code: number;
  readonly canceled: boolean;

  constructor(webhook: string, why: string, { code, canceled = false, cause }: CallErrorOptions) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${why}`, { cause });
    this.name = "WebhookCallError";
    this.code = code;
    this.canceled = canceled;
  }
}

export interface CallErrorOptions {
  code: number;
  canceled?: boolean;
  cause?: unknown;
}

/** 500 in kube-apiserver's wording (errors.NewInternalError). */
export function internalFailure(error: Error): ApiError {
  return new ApiError("InternalError", `Internal error occurred: ${error.message}`, {
    details: { causes: [{ message: error.message }] },
    cause: error,
  });
}

export function dryRunUnsupported(webhook: string): ApiError {
  return badRequest(`admission webhook ${JSON.stringify(webhook)} does not support dry run`);
}
