import { expect, test } from "@jest/globals";
import type { AuthorizationAttributes } from "../services.ts";
import { fixture, widgetPath } from "../testing/fixture.ts";

function setUp(allowed: (attributes: AuthorizationAttributes) => boolean) {
  const asked: string[] = [];
  const made = fixture({
    allow: (attributes) => {
      asked.push(
        [
          attributes.user.name,
          attributes.verb,
          attributes.resource,
          attributes.subresource,
          attributes.namespace,
          attributes.name,
        ].join(" "),
      );
      return attributes.verb !== "impersonate" || allowed(attributes);
    },
  });
  return { ...made, asked };
}

test("each part is asked for, then the request runs as the other", async () => {
  const { send, asked, lines } = setUp(() => true);
  const headers = {
    "impersonate-user": "bob",
    "impersonate-group": ["dev", "a,b"],
    "impersonate-uid": "7",
    "impersonate-extra-scopes%2fone": ["read"],
  };
  expect((await send({ url: widgetPath, headers })).status).toBe(200);
  expect(asked).toEqual([
    "ada impersonate users   bob",
    "ada impersonate groups   dev",
    "ada impersonate groups   a,b",
    "ada impersonate uids   7",
    "ada impersonate userextras scopes/one  read",
    "bob list widgets  ns ",
  ]);
  expect(lines.at(-1)).toMatchObject({ user: "bob" });
});

test("a ServiceAccount is a user of its namespace", async () => {
  const { send, asked } = setUp(() => true);
  await send({ url: widgetPath, headers: { "impersonate-user": "system:serviceaccount:ns:robot" } });
  expect(asked[0]).toBe("ada impersonate serviceaccounts  ns robot");
});

test("one part that is not allowed refuses all", async () => {
  const { send } = setUp(({ resource }) => resource !== "groups");
  const { status, json } = await send({
    url: widgetPath,
    headers: { "impersonate-user": "bob", "impersonate-group": "root" },
  });
  expect(status).toBe(403);
  expect(json["message"]).toBe(
    'groups "root" is forbidden: User "ada" cannot impersonate resource "groups" in API group "" at the cluster scope',
  );
});

test("a group without a user is a bad request", async () => {
  const { send } = setUp(() => true);
  expect((await send({ url: widgetPath, headers: { "impersonate-group": "root" } })).status).toBe(400);
});
