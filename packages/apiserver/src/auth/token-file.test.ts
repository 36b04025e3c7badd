import { expect, test } from "@jest/globals";
import { fixture } from "../testing/fixture.ts";
import { tokenFile, tokenUsers, userOfToken } from "./token-file.ts";

test("a user is found by its token", () => {
  const users = tokenUsers('# people\nt1,ada,7,"dev,ops"\n\nt2,bob,\n');
  expect(userOfToken(users, "t1")).toEqual({ name: "ada", uid: "7", groups: ["dev", "ops"] });
  expect(userOfToken(users, "t2")).toEqual({ name: "bob", groups: [] });
  expect(userOfToken(users, "t3")).toBeUndefined();
});

test("authenticates a bearer token", async () => {
  const authenticator = tokenFile(() => tokenUsers("t1,ada,7"));
  const { context } = fixture();
  expect(await authenticator(context({ url: "/", headers: { authorization: "Bearer t1" } }).exchange)).toMatchObject({
    name: "ada",
  });
  expect(await authenticator(context({ url: "/", headers: { authorization: "Basic t1" } }).exchange)).toBeUndefined();
});
