/**
 * Messages of the commits that merges make (git-interpret-trailers(1)):
 *
 *   message  = subject LF LF [ body LF LF ] trailers
 *   trailers = *( "Co-authored-by: " name " <" mail ">" LF ) "Krate-Pull-Request: " namespace "/" name "@" uid LF
 *
 * The last trailer is how a merge is found again after a crash, so nobody else's text may hold one.
 */
import type { Signature } from "@krate/git";

export const trailerKey = "Krate-Pull-Request";

/** Messages longer than 64 KiB are cut when they are read (`readCommit`), and the trailer stands at the end. */
export const maxBodyLength = 60_000;

export interface MergedPullRequest {
  namespace: string;
  name: string;
  uid: string;
  /** Absent for a record whose server gives no numbers: its name stands in. */
  number?: number;
  title: string;
  body?: string;
}

export interface Person {
  name: string;
  email: string;
}

export function trailerOf({ namespace, name, uid }: Pick<MergedPullRequest, "namespace" | "name" | "uid">): string {
  return `${trailerKey}: ${namespace}/${name}@${uid}`;
}

const numberOf = ({ number, name }: MergedPullRequest) => (number === undefined ? name : `#${number}`);

export function renderMergeMessage(pullRequest: MergedPullRequest): string {
  return compose(`Merge pull request ${numberOf(pullRequest)}: ${oneLine(pullRequest.title)}`, pullRequest.body, [
    trailerOf(pullRequest),
  ]);
}

/** `authors` of the squashed commits, in order; those who are not `author` are named as co-authors. */
export function renderSquashMessage(
  pullRequest: MergedPullRequest,
  { author, authors, subjects }: { author: Person; authors: readonly Person[]; subjects: readonly string[] },
): string {
  const coAuthors = new Map(authors.map((person) => [person.email.toLowerCase(), person]));
  coAuthors.delete(author.email.toLowerCase());
  const list = subjects.length > 1 ? subjects.map((subject) => `* ${oneLine(subject)}`).join("\n") : undefined;
  return compose(`${oneLine(pullRequest.title)} (${numberOf(pullRequest)})`, pullRequest.body || list, [
    ...[...coAuthors.values()].map(({ name, email }) => `Co-authored-by: ${name} <${email}>`),
    trailerOf(pullRequest),
  ]);
}

/** The message a rebased commit keeps; the last one of a merge gets the trailer. */
export function renderRebasedMessage(message: string, pullRequest?: MergedPullRequest): string {
  const kept = withoutTrailers(message).replace(/\n+$/, "");
  if (!pullRequest) return `${kept}\n`;
  // A message that ends with trailers already gets one more line, not one more paragraph.
  const lastParagraph = kept.includes("\n\n") ? kept.slice(kept.lastIndexOf("\n\n") + 2) : "";
  const isTrailers = lastParagraph !== "" && lastParagraph.split("\n").every((line) => /^[A-Za-z0-9-]+: \S/.test(line));
  return `${kept}\n${isTrailers ? "" : "\n"}${trailerOf(pullRequest)}\n`;
}

function compose(subject: string, body: string | undefined, trailers: readonly string[]): string {
  const text = withoutTrailers((body ?? "").replaceAll("\r\n", "\n"))
    .slice(0, maxBodyLength)
    .trim();
  return `${[subject, ...(text === "" ? [] : [text]), trailers.join("\n")].join("\n\n")}\n`;
}

function withoutTrailers(text: string): string {
  return text
    .split("\n")
    .filter((line) => !line.trimStart().toLowerCase().startsWith(`${trailerKey.toLowerCase()}:`))
    .join("\n");
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** A name or mail address as git stores it: without what would end the field. */
export function signatureOf(person: Person, at: string): Signature {
  const clean = (text: string) =>
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
      .replace(/[\x00-\x1f\x7f<>]/g, "")
      .replace(/^[\s.,:;"'\\]+|[\s.,:;"'\\]+$/g, "");
  return { name: clean(person.name) || "unknown", email: clean(person.email) || "unknown", at };
}
