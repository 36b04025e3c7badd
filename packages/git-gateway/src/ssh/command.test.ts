import { describe, expect, test } from "@jest/globals";
import { seededRandom } from "@krate/git/testing";
import { GatewayError } from "../access/gateway-error.ts";
import { parseSshCommand } from "./command.ts";

const of = (service: string) => ({ service, namespace: "acme", repository: "web" });

describe("commands of git", () => {
  test.each([
    { reason: "as git sends it", text: "git-upload-pack '/acme/web.git'", command: of("git-upload-pack") },
    { reason: "of an scp-like address", text: "git-receive-pack 'acme/web.git'", command: of("git-receive-pack") },
    { reason: "without .git", text: "git-upload-archive 'acme/web'", command: of("git-upload-archive") },
    { reason: "in two words", text: "git receive-pack '/acme/web'", command: of("git-receive-pack") },
    { reason: "without quotes", text: "git-upload-pack /acme/web.git", command: of("git-upload-pack") },
    {
      reason: "what git-lfs asks for",
      text: "git-lfs-authenticate /acme/web.git upload",
      command: { ...of("git-lfs-authenticate"), operation: "upload" },
    },
    {
      reason: "what git-lfs asks for, in quotes",
      text: "git-lfs-authenticate '/acme/web' 'download'",
      command: { ...of("git-lfs-authenticate"), operation: "download" },
    },
    { reason: "in several quotes", text: "git-upload-pack '/acme''/web'", command: of("git-upload-pack") },
  ])("$reason", ({ text, command }) => {
    expect(parseSshCommand(text)).toEqual(command);
  });
});

describe("everything else is refused", () => {
  const onlyThese =
    /^only git-upload-pack, git-receive-pack, git-upload-archive, git-lfs-authenticate are served here, not /;
  const noRepository = /is not a repository: repositories are at \/<namespace>\/<repository>\.git$/;
  test.each([
    { reason: "nothing", text: "", problem: onlyThese },
    { reason: "a shell", text: "sh -c id", problem: onlyThese },
    { reason: "no path", text: "git-upload-pack", problem: onlyThese },
    { reason: "another git program", text: "git-daemon 'acme/web'", problem: onlyThese },
    { reason: "a path before the program", text: "/usr/bin/git-upload-pack 'acme/web'", problem: onlyThese },
    { reason: "a command in front", text: "id; git-upload-pack 'acme/web'", problem: onlyThese },
    { reason: "more than anybody's command", text: `git-upload-pack '${"a".repeat(5000)}'`, problem: onlyThese },
    { reason: "git-lfs over SSH alone", text: "git-lfs-transfer 'acme/web' upload", problem: onlyThese },
    {
      reason: "no operation",
      text: "git-lfs-authenticate 'acme/web'",
      problem: /takes the path .* "download" or "upload"/,
    },
    { reason: "another operation", text: "git-lfs-authenticate acme/web delete", problem: /takes the path/ },
    { reason: "two paths for git-lfs", text: "git-lfs-authenticate a/b c/d upload", problem: noRepository },
    { reason: "a command behind", text: "git-upload-pack 'acme/web'; rm -rf /", problem: noRepository },
    { reason: "a command behind, in a new line", text: "git-upload-pack 'acme/web'\nid", problem: noRepository },
    { reason: "two paths", text: "git-upload-pack 'acme/web' 'acme/web'", problem: noRepository },
    { reason: "an open quote", text: "git-upload-pack 'acme/web", problem: noRepository },
    { reason: "quotes of another kind", text: 'git-upload-pack "acme/web"', problem: noRepository },
    { reason: "an option", text: "git-upload-pack --strict 'acme/web'", problem: noRepository },
    { reason: "an option alone", text: "git-upload-pack --upload-pack=id", problem: noRepository },
    { reason: "an option as namespace", text: "git-upload-pack '--x/web'", problem: noRepository },
    { reason: "a way up", text: "git-upload-pack '/acme/../etc'", problem: noRepository },
    { reason: "a way up as repository", text: "git-upload-pack 'acme/..'", problem: noRepository },
    { reason: "a deeper path", text: "git-upload-pack '/data/acme/web'", problem: noRepository },
    { reason: "one name", text: "git-upload-pack 'web'", problem: noRepository },
    { reason: "a NUL", text: "git-upload-pack 'acme/web\0'", problem: noRepository },
    { reason: "capitals, which no name has", text: "git-upload-pack 'Acme/web'", problem: noRepository },
    { reason: "a home", text: "git-upload-pack '~acme/web'", problem: noRepository },
    { reason: "a quote in a name", text: "git-upload-pack 'acme/we'\\''b'", problem: noRepository },
  ])("$reason", ({ text, problem }) => {
    const parse = () => parseSshCommand(text);
    expect(parse).toThrow(GatewayError);
    expect(parse).toThrow(problem);
  });

  const seed = Number(process.env.KRATE_SEED ?? Date.now() % 1_000_000);
  test(`whatever is sent names two DNS names or is refused (KRATE_SEED=${seed})`, () => {
    const random = seededRandom(seed);
    const parts = [
      "git-upload-pack",
      "git receive-pack",
      "git-lfs-authenticate ",
      " upload",
      " ",
      "'",
      "\\'",
      "\\!",
      "/",
      "..",
      "acme",
      "web",
      ".git",
      ";",
      "$(id)",
      "-",
      "\n",
      "ü",
    ];
    for (let round = 0; round < 20_000; round++) {
      const text = Array.from({ length: 2 + random.below(8) }, () => random.pick(parts)).join("");
      try {
        const { namespace, repository } = parseSshCommand(text);
        expect(
          [namespace, repository].every(
            (name) => /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name) && !name.includes(".."),
          ),
        ).toBe(true);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
      }
    }
  });
});
