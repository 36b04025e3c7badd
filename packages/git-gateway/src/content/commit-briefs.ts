import type { ObjectReader } from "@krate/git";
import { BoundedMap } from "./bounded-map.ts";

/** Who and when, ISO 8601 in the zone they were in. */
export interface PersonAt {
  name: string;
  email: string;
  at: string;
}

/** What a list shows of a commit. */
export interface CommitBrief {
  sha: string;
  subject: string;
  author: PersonAt;
  committer: PersonAt;
}

const maxKept = 50_000;
/** Larger commit objects are shown without a subject: somebody put a file into the message. */
const maxCommitBytes = 1024 * 1024;
const maxSubjectLength = 500;

/** Reads commits through open readers and keeps those of late. */
export class CommitBriefs {
  readonly #kept = new BoundedMap<CommitBrief>(maxKept);

  /** All of them, in the order asked for. Commits that are gone are left out. */
  async read(reader: ObjectReader, commitIds: readonly string[]): Promise<CommitBrief[]> {
    const found = await Promise.all(commitIds.map((commitId) => this.#one(reader, commitId)));
    return found.filter((brief) => brief !== undefined);
  }

  async #one(reader: ObjectReader, commitId: string): Promise<CommitBrief | undefined> {
    const known = this.#kept.get(commitId);
    if (known) return known;
    const info = await reader.info(commitId);
    if (info?.type !== "commit") return undefined;
    const content = info.size > maxCommitBytes ? Buffer.alloc(0) : (await reader.read(commitId))?.content;
    const brief = parseCommitBrief(commitId, content ?? Buffer.alloc(0));
    this.#kept.set(commitId, brief);
    return brief;
  }
}

const nobody: PersonAt = { name: "", email: "", at: new Date(0).toISOString() };

/** Reads `*( key SP value LF ) LF message`; what is malformed stays empty. */
export function parseCommitBrief(sha: string, content: Buffer): CommitBrief {
  const end = content.indexOf("\n\n");
  const header = content.toString("utf8", 0, end < 0 ? content.length : end);
  const message = end < 0 ? "" : content.toString("utf8", end + 2, Math.min(content.length, end + 2 + 4096));
  const person = (key: string) => personOf(new RegExp(`^${key} (.*)$`, "m").exec(header)?.[1]);
  return {
    sha,
    subject: (message.replace(/^\n+/, "").split("\n", 1)[0] ?? "").slice(0, maxSubjectLength),
    author: person("author"),
    committer: person("committer"),
  };
}

function personOf(line: string | undefined): PersonAt {
  const match = /^(.*?) ?<([^>]*)> (-?\d{1,12}) ([+-])(\d{2})(\d{2})$/.exec(line ?? "");
  if (!match) return nobody;
  const [, name = "", email = "", seconds, sign, hours, minutes] = match;
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -1 : 1);
  const local = new Date((Number(seconds) + offset * 60) * 1000);
  if (Number.isNaN(local.getTime())) return { name, email, at: nobody.at };
  return { name, email, at: local.toISOString().replace(/\.\d+Z$/, `${sign}${hours}:${minutes}`) };
}
