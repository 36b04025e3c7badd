const headerBytes = 20;
const textOid = 25;

/**
 * A `text[]` parameter in Postgres' binary format, which node-postgres sends as it is. The text format would escape every
 * quote of every JSON and make the server undo it.
 * Source: src/backend/utils/adt/arrayfuncs.c `array_recv`: dimensions, flags, element type, (length, lower bound), elements.
 */
export function textArray(items: readonly (string | Buffer)[]): Buffer {
  const lengths = items.map((item) => (typeof item === "string" ? Buffer.byteLength(item) : item.length));
  const buffer = Buffer.allocUnsafe(headerBytes + lengths.reduce((sum, length) => sum + 4 + length, 0));
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(0, 4);
  buffer.writeInt32BE(textOid, 8);
  buffer.writeInt32BE(items.length, 12);
  buffer.writeInt32BE(1, 16);
  let at = headerBytes;
  items.forEach((item, index) => {
    at = buffer.writeInt32BE(lengths[index] as number, at);
    if (typeof item === "string") at += buffer.write(item, at);
    else at += item.copy(buffer, at);
  });
  return buffer;
}
