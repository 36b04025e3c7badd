/** What a Git LFS pointer stands for. */
export interface LfsPointer {
  oid: string;
  size: number;
}

/** Pointers are shorter than this, by the specification. */
export const maxPointerBytes = 1024;

/**
 * Reads a pointer (git-lfs docs/spec.md): `version`, then keys in order, among them `oid sha256:<hex>` and `size <bytes>`. Undefined for
 * anything else.
 */
export function parseLfsPointer(content: Buffer): LfsPointer | undefined {
  if (content.length >= maxPointerBytes) return undefined;
  const text = content.toString("utf8");
  if (!/^version https:\/\/(?:git-lfs\.github\.com|hawser\.github\.com)\/spec\/v1\n/.test(text)) return undefined;
  const oid = /^oid sha256:([0-9a-f]{64})$/m.exec(text)?.[1];
  const size = /^size (\d{1,16})$/m.exec(text)?.[1];
  return oid === undefined || size === undefined ? undefined : { oid, size: Number(size) };
}
