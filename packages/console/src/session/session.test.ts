import { mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { EncryptJWT } from "jose";
import { sessionKey } from "./key-file.ts";
import { nextPath } from "./next-path.ts";
import { openSession, sealSession } from "./seal.ts";

const folder = () => mkdtempSync(join(tmpdir(), "krate-session-"));
const key = new Uint8Array(32).fill(7);
const session = { token: "secret-token", user: "alice", groups: ["krate:developers"] };

test("a sealed session opens again and shows nothing of itself", async () => {
  const sealed = await sealSession(session, key);
  expect(Buffer.from(sealed.split(".").join(""), "base64url").toString("latin1")).not.toContain("alice");
  expect(await openSession(sealed, key)).toEqual(session);
});

test.each([
  { reason: "no cookie", sealed: undefined },
  { reason: "no JWE", sealed: "abc" },
  { reason: "unsigned JWT", sealed: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0." },
])("there is no session: $reason", async ({ sealed }) => {
  expect(await openSession(sealed, key)).toBeUndefined();
});

test("a session of another key, an altered one and one that is over do not open", async () => {
  const sealed = await sealSession(session, key);
  expect(await openSession(sealed, new Uint8Array(32))).toBeUndefined();
  expect(await openSession(`${sealed.slice(0, -2)}AA`, key)).toBeUndefined();
  const over = await new EncryptJWT({ token: "t" })
    .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
    .setSubject("alice")
    .setExpirationTime("-1 s")
    .encrypt(key);
  expect(await openSession(over, key)).toBeUndefined();
});

test("groups give way when a cookie would be too large, and a token that is too large is refused", async () => {
  const many = { ...session, groups: Array.from({ length: 500 }, (_, index) => `group-${index}`) };
  expect(await openSession(await sealSession(many, key), key)).toEqual({ ...session, groups: [] });
  await expect(sealSession({ ...session, token: "x".repeat(5000) }, key)).rejects.toThrow(/too long for a cookie/);
});

test("the key is made once, for its owner only", () => {
  const file = join(folder(), "sub", "session.key");
  const made = sessionKey(file);
  expect(sessionKey(file)).toEqual(made);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, "utf8")).toHaveLength(45);
});

test("a file that holds no key is refused", () => {
  const file = join(folder(), "session.key");
  writeFileSync(file, "short");
  expect(() => sessionKey(file)).toThrow(/32 bytes in base64/);
});

test.each([
  { asked: "/orgs/demo?x=1", path: "/orgs/demo?x=1", reason: "a page" },
  { asked: "//evil.test", path: "/orgs", reason: "another site without a scheme" },
  { asked: "/\\evil.test", path: "/orgs", reason: "another site, as browsers read it" },
  { asked: "https://evil.test", path: "/orgs", reason: "another site" },
  { asked: "/login?next=/login", path: "/orgs", reason: "a circle" },
  { asked: undefined, path: "/orgs", reason: "nothing" },
])("after signing in: $reason", ({ asked, path }) => {
  expect(nextPath(asked)).toBe(path);
});
