/** One request, one answer, over whatever connection: the seam between the client and HTTP. */
import type { Readable } from "node:stream";

export interface TransportRequest {
  method: string;
  path: string;
  headers: Record<string, string | string[]>;
  body?: Buffer;
  signal?: AbortSignal;
}

export interface TransportResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** Paused: `for await`, `pipe` or `resume` start it. Ends with an error when the connection was lost before its end. */
  body: Readable;
}

export interface Transport {
  /** @throws ConnectionLost when no answer arrived because of the connection; the signal's reason when aborted */
  request(request: TransportRequest): Promise<TransportResponse>;
  close(): Promise<void>;
}

/** The connection failed or ended. `notProcessed`: the server cannot have acted on the request, so any method may be sent again. */
export class ConnectionLost extends Error {
  readonly notProcessed: boolean;
  constructor(message: string, options: { cause?: unknown; notProcessed: boolean }) {
    super(message, { cause: options.cause });
    this.name = "ConnectionLost";
    this.notProcessed = options.notProcessed;
  }
}
