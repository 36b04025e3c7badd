/**
 * Words that close issues, in the body of a pull request and in messages of its commits:
 *
 *   closing = word [ ":" ] 1*SP issue
 *   word    = "close" [ "s" / "d" ] / "fix" [ "es" / "ed" ] / "resolve" [ "s" / "d" ]        ; any case
 *   issue   = [ [ namespace "/" ] repository ] "#" number
 *
 * Code, and comments of HTML, close nothing.
 */
export interface IssueReference {
  /** Absent: the pull request's own. */
  namespace?: string;
  repository?: string;
  number: number;
}

/** Issues of one pull request that are looked at; the status lists as many. */
export const maxReferences = 50;

const name = "[a-z0-9](?:[-a-z0-9.]{0,61}[a-z0-9])?";
const closing = new RegExp(
  `(?<![\\p{L}\\p{N}_-])(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?[ \\t]+(?:(?:(${name})/)?(${name}))?#([1-9]\\d{0,8})(?![\\p{L}\\p{N}_])`,
  "giu",
);
const notText = [/```[\s\S]*?(?:```|$)/g, /`[^`\n]*`/g, /<!--[\s\S]*?(?:-->|$)/g];

/** Each issue once, in order; at most `maxReferences`. */
export function closedBy(texts: readonly string[]): IssueReference[] {
  const found = new Map<string, IssueReference>();
  for (const text of texts) {
    const plain = notText.reduce((rest, pattern) => rest.replace(pattern, " "), text);
    for (const [, namespace, repository, number = ""] of plain.matchAll(closing)) {
      const reference = {
        ...(namespace && { namespace: namespace.toLowerCase() }),
        ...(repository && { repository: repository.toLowerCase() }),
        number: Number(number),
      };
      found.set([reference.namespace, reference.repository, number].join("/"), reference);
      if (found.size === maxReferences) return [...found.values()];
    }
  }
  return [...found.values()];
}
