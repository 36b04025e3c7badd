import type { AxiosError } from "axios";

/** No Gitea process answers. Nothing was changed, or (see `RefTransaction.commit`) it is not known. The text is for people. */
export class GiteaUnavailableError extends Error {
  override readonly name = "GiteaUnavailableError";
}

/** Gitea answered and refuses. `status` is HTTP's. The text says what was asked and carries the correlation id of the call. */
export class GiteaRefusedError extends Error {
  override readonly name = "GiteaRefusedError";
  readonly status: number;
  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

export function isCallError(error: unknown): error is AxiosError {
  return error instanceof Error && (error as Partial<AxiosError>).isAxiosError === true;
}

/**
 * Whether the process could not be reached or gave up, so that another one may be asked. The error itself is not to be kept as a
 * cause: it holds the request with its credentials.
 */
export function isUnreachable({ response }: AxiosError): boolean {
  return response === undefined || [502, 503, 504].includes(response.status);
}

/** What went wrong, without anything of the request. */
export function describe({ response, code, message }: AxiosError): string {
  if (!response) return code ?? message;
  const said = (response.data as { message?: unknown } | undefined)?.message;
  return `${response.status}${typeof said === "string" ? ` ${said.slice(0, 300)}` : ""}`;
}
