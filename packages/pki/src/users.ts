/**
 * An entry of its own, `@krate/pki/users`: reading users loads no certificate library.
 *
 * People of the embedded forge: a static token file in kube-apiserver's `--token-auth-file` format
 * (`token,user,uid,"group,group"`), made once, readable by the owner only. A cluster uses its OIDC provider instead.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { groups } from "@krate/kinds";

export interface LocalUser {
  user: string;
  /** May be empty. */
  uid: string;
  groups: string[];
  token: string;
}

/** The users a new forge has. */
export const localPeople: readonly { user: string; groups: string[] }[] = [
  { user: "admin", groups: ["system:masters", groups.platformEngineers] },
  { user: "alice", groups: [groups.developers] },
  { user: "bob", groups: [groups.developers] },
];

const tokenBytes = 32;

/** One line of the file. Groups are quoted together because they are separated by commas. */
export function formatTokenLine(user: LocalUser): string {
  return `${user.token},${user.user},${user.uid},"${user.groups.join(",")}"`;
}

/**
 * Reads the format: `token,user,uid` and, quoted when there are several, `"group,group"`. Empty lines and lines with `#` are skipped.
 * @throws Error naming the line that is wrong, never its token
 */
export function parseTokenFile(text: string): LocalUser[] {
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "" || line.trimStart().startsWith("#")) return [];
    const [token = "", user = "", uid = "", groupList = ""] = fieldsOf(line.trim());
    if (token === "" || user === "") {
      throw new Error(`line ${index + 1} of the token file must be token,user,uid,"group,group"`);
    }
    const list = groupList.split(",").map((group) => group.trim());
    return [{ token, user, uid, groups: list.filter((group) => group !== "") }];
  });
}

/** Fields of one line of comma-separated values, RFC 4180. */
function fieldsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    (match) => match[1]?.replaceAll('""', '"') ?? (match[2] as string),
  );
}

/** Reads the users of the forge, or makes them with fresh random tokens. */
export function ensureUsers(file: string): LocalUser[] {
  if (!existsSync(file)) {
    const made = localPeople.map((person) => ({
      ...person,
      uid: person.user,
      token: randomBytes(tokenBytes).toString("base64url"),
    }));
    writeFileSync(file, `${made.map(formatTokenLine).join("\n")}\n`, { mode: 0o600 });
  }
  return parseTokenFile(readFileSync(file, "utf8"));
}
