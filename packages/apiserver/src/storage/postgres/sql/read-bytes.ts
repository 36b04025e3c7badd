/** Rows are read up to the one that brings them to so many bytes: 500 objects may be 750 MB. */
export const maxReadBytes = 8 * 1024 * 1024;

/** The column `bytes_before`: how many bytes the rows before come to. The length of bytes is known without reading them. */
export function bytesBefore(bytes: string, order: string): string {
  const sum = `sum(octet_length(${bytes})) over (order by ${order} rows between unbounded preceding and 1 preceding)`;
  return `coalesce(${sum}, 0) as bytes_before`;
}

/** Whether a read may have ended because of its size: there may be more then. */
export function isFull(rows: readonly { bytes: Uint8Array }[]): boolean {
  return rows.reduce((sum, { bytes }) => sum + bytes.length, 0) >= maxReadBytes;
}
