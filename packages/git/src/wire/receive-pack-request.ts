/**
 * What a client sends to receive-pack (gitprotocol-pack, "Reference Update Request and Packfile Transfer"):
 *
 *   update-requests = *shallow ( command-list | push-cert )
 *   shallow         = PKT-LINE("shallow" SP obj-id)
 *   command-list    = PKT-LINE(command NUL capability-list) *PKT-LINE(command) flush-pkt
 *   command         = old-id SP new-id SP name            ; zero-id: create or delete
 *   push-options    = *PKT-LINE(option) flush-pkt         ; only with capability push-options
 *   pack            = "PACK" ...                          ; absent when every command deletes
 *
 * push-cert is refused: it is only sent to a server that advertised it.
 */
import { isObjectId, isZeroObjectId } from "./object-id.ts";
import type { PktLineReader } from "./pkt-line-reader.ts";
import { ProtocolError } from "./protocol-error.ts";
import { isRefName, refNameProblem } from "./ref-name.ts";

/** One requested ref update. */
export interface RefCommand {
  ref: string;
  oldId: string;
  newId: string;
  /** Set when the ref name itself is not acceptable; such a command is answered with "ng" and never reaches Git. */
  problem?: string;
}

/** The request in front of the pack. */
export interface ReceivePackRequest {
  commands: RefCommand[];
  capabilities: Set<string>;
  /** Values of `key=value` capabilities, such as agent, object-format, session-id. */
  parameters: Map<string, string>;
  pushOptions: string[];
  shallow: string[];
}

/** Bounds of one request. */
export interface ReceivePackLimits {
  /** @defaultValue 10,000 commands; a mirror of a large repository pushes some thousands. */
  maxCommands?: number;
  /** @defaultValue 100 options */
  maxPushOptions?: number;
  /** @defaultValue 10,000 lines */
  maxShallow?: number;
}

/**
 * Reads one request up to and including its push options; the pack is what `reader.rest()` gives next.
 * Answers undefined for the empty request (a single flush) that Git sends to probe for authentication.
 * @throws {ProtocolError} on anything outside the grammar or above the limits.
 */
export async function readReceivePackRequest(
  reader: PktLineReader,
  limits: ReceivePackLimits = {},
): Promise<ReceivePackRequest | undefined> {
  const { maxCommands = 10_000, maxPushOptions = 100, maxShallow = 10_000 } = limits;
  const request: ReceivePackRequest = {
    commands: [],
    capabilities: new Set(),
    parameters: new Map(),
    pushOptions: [],
    shallow: [],
  };
  for (;;) {
    const text = await readText(reader, "command list");
    if (text === undefined) break;
    if (text.startsWith("shallow ")) {
      if (request.shallow.length >= maxShallow) throw new ProtocolError(`more than ${maxShallow} shallow lines`);
      request.shallow.push(requireObjectId(text.slice(8).trimEnd(), "shallow"));
      continue;
    }
    if (text.startsWith("push-cert"))
      throw new ProtocolError("signed pushes (push-cert) are not supported; push without --signed");
    if (request.commands.length >= maxCommands) {
      throw new ProtocolError(`one push may update at most ${maxCommands} refs; push them in several steps`);
    }
    request.commands.push(parseCommand(text, request));
  }
  if (request.commands.length === 0) return undefined;
  refuseDuplicates(request.commands);
  if (request.capabilities.has("push-options")) request.pushOptions = await readPushOptions(reader, maxPushOptions);
  return request;
}

function parseCommand(text: string, request: ReceivePackRequest): RefCommand {
  const nul = text.indexOf("\0");
  if (nul >= 0) {
    if (request.commands.length > 0) throw new ProtocolError("capabilities may stand only on the first command");
    readCapabilities(text.slice(nul + 1), request);
  }
  const command = (nul >= 0 ? text.slice(0, nul) : text).replace(/\n$/, "");
  const match = /^([0-9a-f]{40}) ([0-9a-f]{40}) (.+)$/su.exec(command);
  if (!match) throw new ProtocolError(`${quote(command)} is not a ref update command "<old-id> <new-id> <ref>"`);
  const [, oldId, newId, ref] = match as unknown as [string, string, string, string];
  if (isZeroObjectId(oldId) && isZeroObjectId(newId)) {
    return { ref, oldId, newId, problem: "neither creates, updates nor deletes anything" };
  }
  if (isRefName(ref)) return { ref, oldId, newId };
  return { ref, oldId, newId, problem: `ref name ${refNameProblem(ref) ?? 'must begin with "refs/"'}` };
}

function readCapabilities(text: string, request: ReceivePackRequest): void {
  for (const capability of text.trim().split(/\s+/)) {
    if (capability === "") continue;
    const equals = capability.indexOf("=");
    if (equals > 0) request.parameters.set(capability.slice(0, equals), capability.slice(equals + 1));
    else request.capabilities.add(capability);
  }
  const format = request.parameters.get("object-format") ?? "sha1";
  if (format !== "sha1")
    throw new ProtocolError(`object format ${quote(format)} is not supported; this repository uses sha1`);
}

async function readPushOptions(reader: PktLineReader, maxPushOptions: number): Promise<string[]> {
  const options: string[] = [];
  for (;;) {
    const text = await readText(reader, "push options");
    if (text === undefined) return options;
    if (options.length >= maxPushOptions)
      throw new ProtocolError(`one push may carry at most ${maxPushOptions} options`);
    const option = text.replace(/\n$/, "");
    if (option.includes("\0") || option.includes("\n"))
      throw new ProtocolError("a push option must be one line of text");
    options.push(option);
  }
}

/** One text line, or undefined at the flush that ends a section. */
async function readText(reader: PktLineReader, section: string): Promise<string | undefined> {
  const line = await reader.read();
  if (line?.kind === "flush") return undefined;
  if (line?.kind !== "data") {
    throw new ProtocolError(
      `the ${section} must end with a flush, not with ${line ? `a ${line.kind}` : "the end of the request"}`,
    );
  }
  return line.payload.toString("utf8");
}

function refuseDuplicates(commands: RefCommand[]): void {
  const seen = new Set<string>();
  for (const { ref } of commands) {
    if (seen.has(ref)) throw new ProtocolError(`ref ${quote(ref)} is named twice in one push`);
    seen.add(ref);
  }
}

function requireObjectId(text: string, where: string): string {
  if (!isObjectId(text)) throw new ProtocolError(`${quote(text)} in a ${where} line is not an object id`);
  return text;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}...` : text);
}
