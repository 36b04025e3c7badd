/**
 * The one closed table of API errors: Kubernetes `reason`, HTTP code and what each means.
 * Domain code throws `ApiError`; only the API server's reply stage turns it into a `Status`.
 * Source: k8s.io/apimachinery/pkg/api/errors and pkg/apis/meta/v1 StatusReason.
 */

/** reason → HTTP status code. */
export const statusReasons = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  Gone: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const;

export type StatusReason = keyof typeof statusReasons;

/** reason of one field error; the text before the colon in a `StatusCause`. Source: pkg/util/validation/field. */
export type FieldErrorReason =
  | "FieldValueRequired"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueDuplicate"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "FieldValueNotFound"
  | "FieldValueTypeInvalid"
  | "FieldManagerConflict";

/** One thing wrong with one field: `field` is a path such as `spec.refs[0]`, `message` says what is allowed. */
export interface FieldError {
  reason: FieldErrorReason;
  field: string;
  message: string;
}

/** `details` of a Kubernetes `Status`. */
export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: { reason?: string; message?: string; field?: string }[];
  retryAfterSeconds?: number;
}

/** The `Status` object a failed request answers with. */
export interface Status {
  kind: "Status";
  apiVersion: "v1";
  metadata: { continue?: string };
  status: "Success" | "Failure";
  message?: string;
  reason?: StatusReason | string;
  details?: StatusDetails;
  code: number;
}

/** Names the object an error is about; `plural` is the resource (`pullrequests`), not the kind. */
export interface ErrorTarget {
  group?: string;
  plural?: string;
  kind?: string;
  name?: string;
}

export interface ApiErrorOptions {
  details?: StatusDetails;
  /** See `ApiError.continue`. */
  continue?: string;
  cause?: unknown;
  /** Overrides the table's code; admission webhooks may answer with their own. */
  code?: number;
}

/** An error with a Kubernetes meaning. `cause` is for the log and never leaves the process. */
export class ApiError extends Error {
  readonly reason: StatusReason;
  readonly code: number;
  readonly details: StatusDetails | undefined;
  /** With Expired: the token that goes on with the list, at what is newest by now. */
  readonly continue: string | undefined;

  constructor(reason: StatusReason, message: string, options: ApiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ApiError";
    this.reason = reason;
    this.code = options.code ?? statusReasons[reason];
    this.details = options.details;
    this.continue = options.continue;
  }

  /** The wire form; the only place a `Status` is built from an error. */
  toStatus(): Status {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: this.continue === undefined ? {} : { continue: this.continue },
      status: "Failure",
      message: this.message,
      reason: this.reason,
      ...(this.details && { details: this.details }),
      code: this.code,
    };
  }

  /** Rebuilds the error from a `Status` a server answered; unknown reasons are kept by their HTTP code. */
  static fromStatus(status: Partial<Status>, httpCode: number): ApiError {
    const code = status.code ?? httpCode;
    const reason = isStatusReason(status.reason) ? status.reason : reasonOfCode(code);
    return new ApiError(reason, status.message ?? `the server answered ${code}`, {
      code,
      ...(status.details && { details: status.details }),
      ...(status.metadata?.continue !== undefined && { continue: status.metadata.continue }),
    });
  }
}

function isStatusReason(reason: unknown): reason is StatusReason {
  return typeof reason === "string" && Object.hasOwn(statusReasons, reason);
}

function reasonOfCode(code: number): StatusReason {
  const found = Object.entries(statusReasons).find(([, value]) => value === code);
  return (found?.[0] as StatusReason | undefined) ?? "InternalError";
}

/** True for an `ApiError` of that reason; test error properties, never texts. */
export function isReason(error: unknown, reason: StatusReason): error is ApiError {
  return error instanceof ApiError && error.reason === reason;
}

function qualified(target: ErrorTarget): string {
  const resource = target.plural ?? target.kind ?? "object";
  return target.group ? `${resource}.${target.group}` : resource;
}

function detailsOf(target: ErrorTarget, more: StatusDetails = {}): StatusDetails {
  return {
    ...(target.name !== undefined && { name: target.name }),
    ...(target.group && { group: target.group }),
    ...((target.plural ?? target.kind) && { kind: target.plural ?? target.kind }),
    ...more,
  };
}

export function notFound(target: ErrorTarget): ApiError {
  return new ApiError("NotFound", `${qualified(target)} "${target.name ?? ""}" not found`, {
    details: detailsOf(target),
  });
}

export function alreadyExists(target: ErrorTarget): ApiError {
  return new ApiError("AlreadyExists", `${qualified(target)} "${target.name ?? ""}" already exists`, {
    details: detailsOf(target),
  });
}

/** 409: the caller's `resourceVersion` is not the stored one any more, or a precondition failed. */
export function conflict(target: ErrorTarget, why: string): ApiError {
  return new ApiError(
    "Conflict",
    `Operation cannot be fulfilled on ${qualified(target)} "${target.name ?? ""}": ${why}`,
    { details: detailsOf(target) },
  );
}

/** 422 with one cause per field. `target.kind` is the CamelCase kind. */
export function invalid(target: ErrorTarget, errors: readonly FieldError[]): ApiError {
  const kind = target.group ? `${target.kind ?? ""}.${target.group}` : (target.kind ?? "");
  const texts = errors.map((error) => `${error.field}: ${error.message}`);
  const list = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  return new ApiError("Invalid", `${kind} "${target.name ?? ""}" is invalid: ${list}`, {
    details: detailsOf(
      { ...target, plural: target.kind ?? "" },
      {
        causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
      },
    ),
  });
}

export function badRequest(message: string, cause?: unknown): ApiError {
  return new ApiError("BadRequest", message, { cause });
}

/** 403 in kube-apiserver's wording: `<resource> "<name>" is forbidden: <why>`. */
export function forbidden(target: ErrorTarget, why: string): ApiError {
  const name = target.name ? ` "${target.name}"` : "";
  return new ApiError("Forbidden", `${qualified(target)}${name} is forbidden: ${why}`, {
    details: detailsOf(target),
  });
}

export function unauthorized(message = "Unauthorized"): ApiError {
  return new ApiError("Unauthorized", message);
}

/** 410: the watch or continue position was compacted; the client must list again. */
export function expired(message: string): ApiError {
  return new ApiError("Expired", message);
}

export function tooLarge(limitBytes: number): ApiError {
  return new ApiError("RequestEntityTooLarge", `the request is too large: at most ${limitBytes} bytes are allowed`);
}

export function tooManyRequests(message: string, retryAfterSeconds: number): ApiError {
  return new ApiError("TooManyRequests", message, { details: { retryAfterSeconds } });
}

export function serviceUnavailable(message: string, cause?: unknown): ApiError {
  return new ApiError("ServiceUnavailable", message, { cause });
}

/** Anything unexpected: a plain message outside, the whole error as `cause` for the log. */
export function internalError(cause: unknown): ApiError {
  return new ApiError("InternalError", "Internal error occurred; the server log has the cause", { cause });
}
