import {
  flushPkt,
  formatPktLine,
  formatReportStatus,
  formatSideBand,
  type ReceivePackRequest,
  type ReportStatus,
} from "@krate/git";

/** Where the answer goes; resolves when more may be written. */
export type Write = (chunk: Buffer) => Promise<void>;

/**
 * The answer to one push, in whatever of side-band and report-status the client asked for. Without side-band there is no place
 * for messages: the reason of a refusal then stands in the report alone.
 */
export class PushReply {
  readonly #write: Write;
  readonly #sideBand: boolean;
  readonly #version: 0 | 1 | 2;
  readonly #quiet: boolean;

  constructor(write: Write, request: Pick<ReceivePackRequest, "capabilities">) {
    const { capabilities } = request;
    this.#write = write;
    this.#sideBand = capabilities.has("side-band-64k");
    this.#version = capabilities.has("report-status-v2") ? 2 : capabilities.has("report-status") ? 1 : 0;
    this.#quiet = capabilities.has("quiet");
  }

  /** Whether progress of long work is wanted. */
  get wantsProgress(): boolean {
    return this.#sideBand && !this.#quiet;
  }

  /** Shows text to the user, line by line as "remote: ...". */
  async say(text: string): Promise<void> {
    if (!this.#sideBand || text === "") return;
    for (const line of formatSideBand("progress", text.endsWith("\n") || text.endsWith("\r") ? text : `${text}\n`))
      await this.#write(line);
  }

  /** Shows progress, unless the user asked for quiet. */
  async progress(text: string): Promise<void> {
    if (this.wantsProgress) for (const line of formatSideBand("progress", text)) await this.#write(line);
  }

  /** Keeps a proxy from giving up on a push that is being worked on. An empty progress line shows as nothing. */
  async keepAlive(): Promise<void> {
    if (this.#sideBand) await this.#write(formatPktLine(Buffer.from([2])));
  }

  /** Ends the answer. */
  async finish(report: ReportStatus): Promise<void> {
    if (this.#version === 0) {
      if (this.#sideBand) await this.#write(flushPkt);
      return;
    }
    const text = formatReportStatus(report, this.#version);
    if (!this.#sideBand) return this.#write(text);
    for (const line of formatSideBand("data", text)) await this.#write(line);
    await this.#write(flushPkt);
  }
}
