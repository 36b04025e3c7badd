import { expect, test } from "@jest/globals";
import { fixture } from "../testing/fixture.ts";
import { parseTokenFile, tokenFile, userOfToken } from "./token-file.ts";

test("reads kube-apiserver's format", () => {
  const users = parseTokenFile('# people\nt1,ada,7,"dev,ops"\n\nt2,bob,8\n');
  expect(userOfToken(users, "t1")).toEqual({ name: "ada", uid: "7", groups: ["dev", "ops"] });
  expect(userOfToken(users, "t2")).toEqual({ name: "bob", uid: "8", groups: [] });
  expect(userOfToken(users, "t3")).toBeUndefined();
});

test("names the line that is wrong, never the token", () => {
  expect(() => parseTokenFile("t1,ada,1\nsecret\n")).toThrow("line 2 of the token file");
});

test("authenticates a bearer token", async () => {
  const authenticator = tokenFile(() => parseTokenFile("t1,ada,7"));
  const { context } = fixture();
  expect(await authenticator(context({ url: "/", headers: { authorization: "Bearer t1" } }).exchange)).toMatchObject({
    name: "ada",
  });
  expect(await authenticator(context({ url: "/", headers: { authorization: "Basic t1" } }).exchange)).toBeUndefined();
});
