/** Large files with the real git-lfs: pushed, cloned and locked as people of the forge, over HTTP and over SSH. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually, skipWithout } from "@krate/testing";
import { cloneUrl, forgeState, freshNamespace, git, kubectlOk, type Output, type Person, run } from "./shared-forge.ts";

const slow = 120_000;

skipWithout(
  "git-lfs",
  "ssh",
  "ssh-keygen",
)("large files", () => {
  let folder: string;
  let namespace: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "krate-e2e-lfs-"));
    namespace = freshNamespace("lfs");
    apply("Repository", "art", {});
    kubectlOk(["wait", "--for=condition=Ready", "repositories.krate.a5c.ai/art", "--timeout=60s"], { namespace });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function apply(kind: string, name: string, spec: object): void {
    const object = {
      apiVersion: "krate.a5c.ai/v1alpha1",
      kind,
      metadata: { name },
      spec: { organizationRef: "demo", ...spec },
    };
    kubectlOk(["apply", "-f", "-"], { namespace, input: JSON.stringify(object) });
  }

  /** git as a person with git-lfs as `git lfs install` sets it up, and with the forge's credential helper. */
  function lfs(as: Person, args: readonly string[], cwd = folder, env: NodeJS.ProcessEnv = {}): Output {
    const filters = [
      "process=git-lfs filter-process",
      "clean=git-lfs clean -- %f",
      "smudge=git-lfs smudge -- %f",
      "required=true",
    ];
    const settings = filters.flatMap((setting) => ["-c", `filter.lfs.${setting}`]);
    const author = ["-c", `user.name=${as}`, "-c", `user.email=${as}@example.org`];
    return git([...settings, ...author, ...args], { as, cwd, env });
  }

  function ok(output: Output): string {
    if (output.code !== 0) throw new Error(`ended with ${output.code}:\n${output.stdout}${output.stderr}`);
    return output.stdout + output.stderr;
  }

  const content = randomBytes(4_000_000);
  let work: string;

  test(
    "one is pushed over HTTP and comes with a clone; Git has only its name",
    () => {
      work = join(folder, "work");
      ok(lfs("alice", ["init", "-q", "-b", "main", work]));
      ok(lfs("alice", ["remote", "add", "origin", cloneUrl(namespace, "art")], work));
      ok(lfs("alice", ["lfs", "install", "--local"], work));
      ok(lfs("alice", ["lfs", "track", "*.psd", "--lockable"], work));
      writeFileSync(join(work, "hero.psd"), content);
      ok(lfs("alice", ["add", "-A"], work));
      ok(lfs("alice", ["commit", "-q", "-m", "hero"], work));
      ok(lfs("alice", ["push", "-q", "origin", "main"], work));
      const oid = createHash("sha256").update(content).digest("hex");
      expect(ok(lfs("alice", ["show", "HEAD:hero.psd"], work))).toContain(`oid sha256:${oid}\nsize 4000000\n`);
      const clone = join(folder, "clone");
      ok(lfs("alice", ["clone", "-q", cloneUrl(namespace, "art"), clone]));
      expect(readFileSync(join(clone, "hero.psd")).equals(content)).toBe(true);
    },
    slow,
  );

  test("one is locked by its author; an admin takes the lock away with force, others do not", () => {
    ok(lfs("alice", ["lfs", "lock", "hero.psd"], work));
    expect(ok(lfs("alice", ["lfs", "locks"], work))).toMatch(/^hero\.psd\s+alice\s/);
    const clone = join(folder, "clone");
    const taken = lfs("admin", ["lfs", "lock", "hero.psd"], clone);
    expect(taken.code).not.toBe(0);
    expect(taken.stderr).toContain('"hero.psd" is locked by "alice" since ');
    expect(lfs("admin", ["lfs", "unlock", "hero.psd"], clone).stderr).toContain("git lfs unlock --force");
    ok(lfs("admin", ["lfs", "unlock", "--force", "hero.psd"], clone));
    expect(ok(lfs("alice", ["lfs", "locks"], work))).toBe("");
  });

  test(
    "over SSH a registered key does the same",
    () => {
      const key = join(folder, "laptop");
      ok(run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "laptop", "-f", key]));
      apply("SSHKey", "laptop", { scope: "user", owner: "alice", key: readFileSync(`${key}.pub`, "utf8").trim() });
      apply("User", "alice", { displayName: "Alice", email: "alice@example.org" });
      apply("IdentityMapping", "alice", {
        user: "alice",
        provider: "test",
        subject: "alice",
        workspaceIdentity: { username: "alice", groups: ["krate:developers"] },
      });
      kubectlOk(["wait", "--for=condition=Ready", "sshkeys.krate.a5c.ai/laptop", "--timeout=60s"], { namespace });
      const options = [
        "IdentitiesOnly=yes",
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "BatchMode=yes",
      ];
      const ssh = [
        "ssh",
        "-F",
        "none",
        "-i",
        key,
        ...options.flatMap((option) => ["-o", option]),
        "-o",
        "LogLevel=ERROR",
      ];
      // No credential helper: what opens large files comes over SSH.
      const env = { GIT_SSH_COMMAND: ssh.join(" "), GIT_ASKPASS: "false" };
      const asKey = (args: readonly string[], cwd = folder) =>
        lfs("alice", ["-c", "credential.helper=", ...args], cwd, env);
      const clone = join(folder, "clone-ssh");
      ok(asKey(["clone", "-q", `${forgeState().sshUrl}/${namespace}/art.git`, clone]));
      expect(readFileSync(join(clone, "hero.psd")).equals(content)).toBe(true);
      writeFileSync(join(clone, "villain.psd"), randomBytes(1_000_000));
      ok(asKey(["add", "-A"], clone));
      ok(asKey(["commit", "-q", "-m", "villain"], clone));
      ok(asKey(["lfs", "install", "--local"], clone));
      ok(asKey(["push", "-q", "origin", "main"], clone));
      ok(lfs("alice", ["pull", "-q", "origin", "main"], work));
      expect(readFileSync(join(work, "villain.psd"))).toHaveLength(1_000_000);
    },
    slow,
  );

  test(
    "switched off in the Repository, none is taken any more, and those that are there can be read",
    async () => {
      kubectlOk(
        [
          "patch",
          "repositories.krate.a5c.ai",
          "art",
          "--type=merge",
          "-p",
          '{"spec":{"objectStorage":{"lfs":{"enabled":false}}}}',
        ],
        { namespace },
      );
      writeFileSync(join(work, "late.psd"), randomBytes(1000));
      ok(lfs("alice", ["add", "-A"], work));
      ok(lfs("alice", ["commit", "-q", "-m", "late"], work));
      await eventually(
        () => lfs("alice", ["push", "origin", "main"], work).stderr.includes("Git LFS is switched off"),
        {
          description: "the push of a large file being refused",
          timeoutSeconds: 60,
        },
      );
      ok(lfs("alice", ["clone", "-q", cloneUrl(namespace, "art"), join(folder, "clone-off")]));
      expect(readFileSync(join(folder, "clone-off", "hero.psd")).equals(content)).toBe(true);
    },
    slow,
  );
});
