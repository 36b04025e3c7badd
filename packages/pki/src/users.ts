/**
 * People of the embedded forge: a static token file in kube-apiserver's `--token-auth-file` format
 * (`token,user,uid,"group,group"`), made once, readable by the owner only. A cluster uses its OIDC provider instead.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { groups } from "@krate/kinds";

export interface LocalUser {
  user: string;
  groups: string[];
  token: string;
}

const people: { user: string; groups: string[] }[] = [
  { user: "admin", groups: ["system:masters", groups.platformEngineers] },
  { user: "alice", groups: [groups.developers] },
  { user: "bob", groups: [groups.developers] },
];

const tokenBytes = 32;

/** One line of the file. Groups are quoted together because they are separated by commas. */
export function formatTokenLine(user: LocalUser): string {
  return `${user.token},${user.user},${user.user},"${user.groups.join(",")}"`;
}

/** Parses the file; throws with the line number when a line is not of the format. */
export function parseTokenFile(text: string): LocalUser[] {
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "" || line.startsWith("#")) return [];
    const match = /^([^,]+),([^,]+),([^,]+)(?:,"([^"]*)"|,([^",]*))?$/.exec(line.trim());
    const [, token, user, , quoted, single] = match ?? [];
    if (!token || !user) throw new Error(`token file line ${index + 1} must be token,user,uid,"group1,group2"`);
    const list = quoted ?? single ?? "";
    return [{ token, user, groups: list === "" ? [] : list.split(",") }];
  });
}

/** Reads the users of the forge, or makes them with fresh random tokens. */
export function ensureUsers(file: string): LocalUser[] {
  if (!existsSync(file)) {
    const made = people.map((person) => ({ ...person, token: randomBytes(tokenBytes).toString("base64url") }));
    writeFileSync(file, `${made.map(formatTokenLine).join("\n")}\n`, { mode: 0o600 });
  }
  return parseTokenFile(readFileSync(file, "utf8"));
}
