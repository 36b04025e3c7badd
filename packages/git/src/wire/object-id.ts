/**
 * Object ids as they stand on the wire (gitprotocol-common, "obj-id"):
 *
 *   obj-id  = 40*(HEXDIGIT) / 64*(HEXDIGIT)     ; sha1 or sha256, lower case
 *   zero-id = 40*"0"                            ; "no such object" on either side of a command
 */
const sha1Pattern = /^[0-9a-f]{40}$/;

/** The id that says "nothing": the old value of a created ref, the new value of a deleted one. */
export const zeroObjectId = "0".repeat(40);

/** Whether `text` is a full, lower-case SHA-1 object id. Abbreviations and SHA-256 ids are not. */
export function isObjectId(text: string): boolean {
  return sha1Pattern.test(text);
}

/** Whether `id` is the all-zero id. */
export function isZeroObjectId(id: string): boolean {
  return id === zeroObjectId;
}
