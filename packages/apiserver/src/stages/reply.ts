import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { RequestContext, Response, Stage } from "../context.ts";
import { bodyLength, type HeaderMap } from "../http/exchange.ts";
import { isLongRunning } from "../long-running.ts";
import { isTrue } from "../request-info.ts";

const compress = promisify(gzip);
/** Below this, compressing costs more than sending; kube-apiserver uses the same threshold. */
const minCompressedBytes = 128 * 1024;
/** Below this, the socket takes it at once. */
const minWaitedBytes = 16 * 1024;
/** kube-apiserver's choice: level 1 is four times as fast as 4 for 10 % more bytes. */
const compressionLevel = 1;

/**
 * Writes the response: status, `Warning` and `Audit-Id` headers, gzip for long bodies. After the client has gone, nothing. A watch gives
 * its seat back as soon as it is open, or has sent its first events.
 */
export const reply: Stage = async (ctx, _next) => {
  const { response } = ctx;
  if (response === undefined) throw new Error(`nothing answered ${ctx.exchange.method} ${ctx.exchange.path}`);
  ctx.status = response.status;
  if (response.kind === "bytes") await sendBytes(ctx, response);
  else if (response.kind === "frames") await sendFrames(ctx, response);
  else await sendStream(ctx, response);
};

async function sendBytes(ctx: RequestContext, response: Response & { kind: "bytes" }): Promise<void> {
  const headers = headersOf(ctx, response);
  const { body: plain } = response;
  const length = bodyLength(plain);
  ctx.responseBytes = length;
  if (length < minCompressedBytes || !acceptsGzip(ctx)) {
    ctx.exchange.send(response.status, headers, plain);
    if (length >= minWaitedBytes) await sent(ctx);
    return;
  }
  const body = await compress(Buffer.isBuffer(plain) ? plain : Buffer.concat(plain), { level: compressionLevel });
  ctx.exchange.send(response.status, { ...headers, "content-encoding": "gzip", vary: "Accept-Encoding" }, body);
  if (body.length >= minWaitedBytes) await sent(ctx);
}

/** So that who asks for much and reads nothing is counted, and cut off when there are too many. */
async function sent(ctx: RequestContext): Promise<void> {
  try {
    await ctx.waitForClient(ctx.exchange.taken());
  } catch (error) {
    ctx.exchange.abort();
    throw error;
  }
}

/** A list that cannot begin is refused like anything else; one that cannot go on is cut off, or it would look complete. */
async function sendStream(ctx: RequestContext, response: Response & { kind: "stream" }): Promise<void> {
  const staysOpen = isLongRunning(ctx);
  const chunks = staysOpen ? response.chunks : await begun(response.chunks);
  const body = ctx.exchange.open(response.status, headersOf(ctx, response));
  ctx.onResponseStarted?.();
  if (staysOpen) ctx.seat?.release();
  try {
    for await (const chunk of chunks) {
      ctx.responseBytes += bodyLength(chunk);
      const wait = body.write(chunk);
      if (wait !== undefined) await (staysOpen ? wait : ctx.waitForClient(wait));
      if (ctx.exchange.closed) break;
    }
    body.end();
  } catch (error) {
    body.abort();
    throw error;
  }
}

/** A watch: it is open at once, whatever follows is a frame. */
async function sendFrames(ctx: RequestContext, response: Response & { kind: "frames" }): Promise<void> {
  const body = ctx.exchange.open(response.status, headersOf(ctx, response));
  ctx.onResponseStarted?.();
  if (!beginsWithList(ctx)) ctx.seat?.release();
  try {
    await response.forEach((frame) => {
      ctx.responseBytes += frame.length;
      const wait = body.write(frame);
      ctx.seat?.release();
      return wait;
    });
    body.end();
  } catch (error) {
    body.abort();
    throw error;
  }
}

/** The same chunks, the first of which is there. */
async function begun<T>(chunks: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const rest = chunks[Symbol.asyncIterator]();
  const first = await rest.next();
  return (async function* () {
    try {
      for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
    } finally {
      await rest.return?.();
    }
  })();
}

function beginsWithList(ctx: RequestContext): boolean {
  return isTrue(ctx.params.get("sendInitialEvents"));
}

function acceptsGzip(ctx: RequestContext): boolean {
  return ctx.exchange.header("accept-encoding")?.includes("gzip") === true;
}

function headersOf(ctx: RequestContext, response: Response): HeaderMap {
  const headers: Record<string, string | readonly string[]> = {
    "content-type": response.contentType,
    "audit-id": ctx.requestId,
    "cache-control": "no-cache, private",
    ...response.headers,
    ...ctx.extraHeaders,
  };
  if (ctx.warnings.length > 0) headers["warning"] = ctx.warnings.map(warningHeader);
  return headers;
}

const maxWarningCharacters = 2048;

/** RFC 7234 §5.5: code 299, agent `-`, quoted text without control characters. */
function warningHeader(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not stand in a header
  const plain = text.replace(/[\u0000-\u001f\u007f]/g, " ").slice(0, maxWarningCharacters);
  const latin = Buffer.from(plain, "utf8").toString("latin1");
  return `299 - "${latin.replace(/["\\]/g, "\\$&")}"`;
}
