import { expect, test } from "@jest/globals";
import { readConfig } from "./config.ts";

const required = { KRATE_REPOSITORY_ROOT: "/data/repositories" };

test("defaults", () => {
  expect(readConfig(required)).toMatchObject({
    backend: { kind: "native", root: "/data/repositories" },
    gitUrl: "http://127.0.0.1:7081",
    committer: { name: "Krate", email: "noreply@krate.a5c.ai" },
  });
});

test("what is given", () => {
  const env = {
    ...required,
    KRATE_GIT_URL: "https://git.example/base/",
    KRATE_SSH_URL: "ssh://git@git.example:2222/",
    KRATE_GIT_COMMITTER: "Acme Forge <forge@acme.example>",
  };
  expect(readConfig(env)).toMatchObject({
    gitUrl: "https://git.example/base",
    sshUrl: "ssh://git@git.example:2222",
    committer: { name: "Acme Forge", email: "forge@acme.example" },
  });
});

test.each([
  { reason: "no folder", env: {}, message: "KRATE_REPOSITORY_ROOT must be" },
  { reason: "a relative folder", env: { KRATE_REPOSITORY_ROOT: "data" }, message: "absolute path" },
  { reason: "another protocol", env: { ...required, KRATE_GIT_URL: "ssh://git.example" }, message: "KRATE_GIT_URL" },
  {
    reason: "credentials in the URL",
    env: { ...required, KRATE_GIT_URL: "http://a:b@git.example" },
    message: "without credentials",
  },
  {
    reason: "SSH with a path",
    env: { ...required, KRATE_SSH_URL: "ssh://git@git.example/x" },
    message: "KRATE_SSH_URL",
  },
  {
    reason: "a committer without mail",
    env: { ...required, KRATE_GIT_COMMITTER: "Krate" },
    message: 'must be "Name <mail>"',
  },
])("refused: $reason", ({ env, message }) => {
  expect(() => readConfig(env)).toThrow(message);
});
