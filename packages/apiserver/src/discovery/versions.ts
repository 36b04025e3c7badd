const versionPattern = /^v(\d+)(?:(alpha|beta)(\d+))?$/;
const stabilityRank: Record<string, number> = { alpha: 0, beta: 1 };

/** Newest and most stable first: v2, v1, v1beta2, v1alpha1, then others by name. Source: apimachinery/pkg/version/helpers.go. */
export function compareVersions(a: string, b: string): number {
  const first = versionPattern.exec(a);
  const second = versionPattern.exec(b);
  if (first === null || second === null) return first === null ? (second === null ? (a < b ? -1 : 1) : 1) : -1;
  const stability = (match: RegExpExecArray) => stabilityRank[match[2] ?? ""] ?? 2;
  return (
    stability(second) - stability(first) ||
    Number(second[1]) - Number(first[1]) ||
    Number(second[3] ?? 0) - Number(first[3] ?? 0)
  );
}
