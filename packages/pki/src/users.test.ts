import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { ensureUsers, formatTokenLine, parseTokenFile } from "./users.ts";

test("reads kube-apiserver's format", () => {
  expect(parseTokenFile('# people\nt1,ada,7,"dev, ops"\n\n  # more\nt2,"bob ""b""",8,dev\r\nt3,eve,\n')).toEqual([
    { token: "t1", user: "ada", uid: "7", groups: ["dev", "ops"] },
    { token: "t2", user: 'bob "b"', uid: "8", groups: ["dev"] },
    { token: "t3", user: "eve", uid: "", groups: [] },
  ]);
});

test("names the line that is wrong, never the token", () => {
  expect(() => parseTokenFile("t1,ada,1\nsecret\n")).toThrow(
    'line 2 of the token file must be token,user,uid,"group,group"',
  );
});

test("a line that was written reads back", () => {
  const user = { token: "t", user: "ada", uid: "7", groups: ["a", "b"] };
  expect(parseTokenFile(formatTokenLine(user))).toEqual([user]);
});

test("users are made once, in a file that only its owner reads", () => {
  const folder = mkdtempSync(join(tmpdir(), "krate-users-"));
  try {
    const file = join(folder, "users.csv");
    const made = ensureUsers(file);
    expect(made.map(({ user }) => user)).toEqual(["admin", "alice", "bob"]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(ensureUsers(file)).toEqual(made);
    expect(readFileSync(file, "utf8")).toContain(',admin,admin,"system:masters,');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
