/**
 * Asks an MCP server over HTTP whether it is there and which tools it has.
 * Source: Model Context Protocol 2025-06-18, "Transports" (streamable HTTP; SSE is its predecessor) and "Tools".
 */

export interface ProbeResult {
  health: "Ready" | "Denied" | "Failed";
  message: string;
  tools: string[];
}

const timeoutSeconds = 5;
const protocolVersion = "2025-06-18";
const maxAnswerBytes = 1024 * 1024;

export async function probeMcpServer(
  { url, transport }: { url: string; transport: "sse" | "streamable-http" },
  signal: AbortSignal,
): Promise<ProbeResult> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1000)]);
  try {
    return transport === "sse" ? await probeSse(url, limited) : await probeStreamable(url, limited);
  } catch (error) {
    if (signal.aborted) throw error;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
    return { health: "Failed", message: `no answer: ${cause || (error as Error).message}`, tools: [] };
  }
}

async function probeSse(url: string, signal: AbortSignal): Promise<ProbeResult> {
  const response = await fetch(url, { headers: { accept: "text/event-stream" }, redirect: "manual", signal });
  await response.body?.cancel();
  return response.ok ? { health: "Ready", message: "", tools: [] } : refused(response.status);
}

async function probeStreamable(url: string, signal: AbortSignal): Promise<ProbeResult> {
  const post = (message: object, session?: string | null) =>
    fetch(url, {
      method: "POST",
      redirect: "manual",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": protocolVersion,
        ...(session && { "mcp-session-id": session }),
      },
      body: JSON.stringify({ jsonrpc: "2.0", ...message }),
      signal,
    });
  const clientInfo = { name: "krate", version: "1" };
  const hello = await post({ id: 1, method: "initialize", params: { protocolVersion, capabilities: {}, clientInfo } });
  if (!hello.ok) return refused(hello.status);
  const initialized = (await answerOf(hello)) as {
    result?: { protocolVersion?: string };
    error?: { message?: string };
  };
  if (!initialized?.result)
    return {
      health: "Failed",
      message: `initialize: ${initialized?.error?.message ?? "not an MCP answer"}`,
      tools: [],
    };
  const session = hello.headers.get("mcp-session-id");
  await (await post({ method: "notifications/initialized" }, session)).body?.cancel();
  const listed = await post({ id: 2, method: "tools/list" }, session);
  const tools = listed.ok ? ((await answerOf(listed)) as { result?: { tools?: { name?: unknown }[] } }) : undefined;
  const names = (tools?.result?.tools ?? []).map(({ name }) => String(name)).sort();
  return { health: "Ready", message: "", tools: names.slice(0, 500) };
}

function refused(status: number): ProbeResult {
  const denied = status === 401 || status === 403;
  return { health: denied ? "Denied" : "Failed", message: `the server answered HTTP ${status}`, tools: [] };
}

/** A JSON body, or the first message of an event stream. */
async function answerOf(response: Response): Promise<unknown> {
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    const data = isStream ? /^data: ?(.+)\r?\n\r?\n/m.exec(text)?.[1] : undefined;
    if (data !== undefined) return JSON.parse(data);
    if (text.length > maxAnswerBytes) throw new Error(`the answer is longer than ${maxAnswerBytes} bytes`);
  }
  return JSON.parse(text);
}
