/** Thrown when bytes from a Git peer do not follow the protocol or exceed a bound; the text is safe to send back. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}
