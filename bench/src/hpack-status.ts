/** `:status` of a response's header block, which it begins with. RFC 7541; without a dynamic table. */
export function statusOf(block: Buffer): number {
  let at = 0;
  while (((block[at] as number) & 0xe0) === 0x20) at++; // updates of the table's size, each of one byte as it is 0
  const first = block[at] as number;
  if (first & 0x80) return indexedStatus(first & 0x7f);
  const value = block[at + 1] as number;
  const bytes = block.subarray(at + 2, at + 2 + (value & 0x7f));
  return Number(value & 0x80 ? huffmanDigits(bytes) : bytes.toString("latin1"));
}

const firstStatusIndex = 8;
const indexedStatuses = [200, 204, 206, 304, 400, 404, 500];

function indexedStatus(index: number): number {
  const status = indexedStatuses[index - firstStatusIndex];
  if (status === undefined) throw new Error(`the first response header is number ${index} of the table, not :status`);
  return status;
}

/** Digits in Huffman code: 0, 1 and 2 have five bits, 00000 to 00010; 3 to 9 have six, 011001 to 011111. RFC 7541 appendix B. */
function huffmanDigits(bytes: Buffer): string {
  let bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  let digits = "";
  while (digits.length < 3 && bits.length >= 5) {
    const short = Number.parseInt(bits.slice(0, 5), 2);
    const long = Number.parseInt(bits.slice(0, 6), 2);
    if (short <= 2) digits += short;
    else digits += long - 0b011001 + 3;
    bits = bits.slice(short <= 2 ? 5 : 6);
  }
  return digits;
}
