/** Names of the refs that keep what pull requests are about: `refs/pull/<number>/head`, `refs/pull/<number>/patchsets/<number>`. */

export function headRefOf(pullRequest: number): string {
  return `refs/pull/${pullRequest}/head`;
}

export function patchSetRefOf(pullRequest: number, patchSet: number): string {
  return `refs/pull/${pullRequest}/patchsets/${patchSet}`;
}

/** What a ref below refs/pull/ belongs to; undefined for others. */
export function parsePullRef(ref: string): { pullRequest: number; patchSet?: number } | undefined {
  const match = /^refs\/pull\/([1-9]\d{0,15})\/(?:head|patchsets\/([1-9]\d{0,15}))$/.exec(ref);
  if (!match) return undefined;
  return { pullRequest: Number(match[1]), ...(match[2] && { patchSet: Number(match[2]) }) };
}
