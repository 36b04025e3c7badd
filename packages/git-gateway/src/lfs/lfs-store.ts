import type { Readable } from "node:stream";
import type { BackendRepository } from "@krate/git";
import type { RepositoryView } from "../ports.ts";

/** A large file, by what it contains: `oid` is the SHA-256 of its `size` bytes, in lower-case hex. */
export interface LfsObject {
  oid: string;
  size: number;
}

/** Whose objects are asked for. */
export interface LfsRepository {
  view: RepositoryView;
  backend: BackendRepository;
}

/** Bytes of an object; both ends are counted in, as HTTP counts them. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Where large files live. One conformance suite, `lfsStoreConformance`, says what every implementation promises. An object belongs
 * to the repository it was written through: another one that names the same oid does not find it.
 */
export interface LfsStore {
  /** As shown to people in errors: `disk`, `bucket "media"`. */
  readonly name: string;
  /** The size of an object, or undefined when the repository has none of that id. @throws {LfsUnavailableError} */
  sizeOf(repository: LfsRepository, oid: string): Promise<number | undefined>;
  /** The content, or undefined when the repository has none of that id. @throws {LfsUnavailableError} */
  read(repository: LfsRepository, oid: string, range?: ByteRange): Promise<Readable | undefined>;
  /**
   * Stores content as it comes. The object is there, whole and durable, when this resolves, and is not there at all when it
   * throws. Storing what is there already is fine.
   * @throws {LfsContentError} when the content is not what `object` says. @throws {LfsUnavailableError}
   */
  write(
    repository: LfsRepository,
    object: LfsObject,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void>;
}

/** The content sent is not the object it was announced as; the text is for the client. */
export class LfsContentError extends Error {
  override readonly name = "LfsContentError";
}

/** The store cannot be reached, or has no room. Git itself is not affected. The text is for the client. */
export class LfsUnavailableError extends Error {
  override readonly name = "LfsUnavailableError";
  /** Nothing but more room helps. */
  readonly full: boolean;
  constructor(message: string, options: { cause: unknown; full?: boolean }) {
    super(message, { cause: options.cause });
    this.full = options.full ?? false;
  }
}

/** What keeps an object id from being anything but the name of a file (hex, so no path can be written with it). */
const oidForm = /^[0-9a-f]{64}$/;

export function isOid(text: unknown): text is string {
  return typeof text === "string" && oidForm.test(text);
}
