/** A request the gateway refuses before Git is involved. The text is shown by git as "remote: ..." and must say what to do. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}
