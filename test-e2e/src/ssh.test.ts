/** Git over SSH with the real git and ssh: registered keys, deploy keys, and certificates of `krate login`. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually, skipWithout } from "@krate/testing";
import { krateCommand } from "./forge.ts";
import { forgeState, freshNamespace, kubectlOk, type Output, run } from "./shared-forge.ts";

skipWithout("ssh", "ssh-keygen")("git over SSH", () => {
  let folder: string;
  let namespace: string;
  let work: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "krate-e2e-ssh-"));
    namespace = freshNamespace("ssh");
    apply("Repository", "app", { organizationRef: "demo" });
    kubectlOk(["wait", "--for=condition=Ready", "repositories.krate.a5c.ai/app", "--timeout=60s"], { namespace });
    // What a sign-in at an identity provider writes: who alice is to Kubernetes.
    apply("User", "alice", { organizationRef: "demo", displayName: "Alice", email: "alice@example.org" });
    apply("IdentityMapping", "alice", {
      organizationRef: "demo",
      user: "alice",
      provider: "test",
      subject: "alice",
      workspaceIdentity: { username: "alice", groups: ["krate:developers"] },
    });
    work = join(folder, "work");
    ok(run("git", ["init", "-q", "-b", "main", work]));
    ok(run("git", ["remote", "add", "origin", url("app")], { cwd: work }));
    commit("first");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function apply(kind: string, name: string, spec: object): void {
    const object = { apiVersion: "krate.a5c.ai/v1alpha1", kind, metadata: { name }, spec };
    kubectlOk(["apply", "-f", "-"], { namespace, input: JSON.stringify(object) });
  }

  function url(repository: string): string {
    return `${forgeState().sshUrl}/${namespace}/${repository}.git`;
  }

  function commit(message: string): void {
    const author = ["-c", "user.name=Alice", "-c", "user.email=alice@example.org"];
    ok(run("git", [...author, "commit", "-q", "--allow-empty", "-m", message], { cwd: work }));
  }

  function ok(output: Output): string {
    if (output.code !== 0) throw new Error(`ended with ${output.code}:\n${output.stdout}${output.stderr}`);
    return output.stdout + output.stderr;
  }

  /** A new key pair; answers its file. */
  function newKey(name: string): string {
    const file = join(folder, name);
    ok(run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file]));
    return file;
  }

  /** Registers a key and waits until the forge says that it counts. */
  function register(name: string, file: string, spec: object): void {
    apply("SSHKey", name, { organizationRef: "demo", key: readFileSync(`${file}.pub`, "utf8").trim(), ...spec });
    kubectlOk(["wait", "--for=condition=Ready", `sshkeys.krate.a5c.ai/${name}`, "--timeout=60s"], { namespace });
  }

  function git(sshArguments: readonly string[], args: readonly string[]): Output {
    const ssh = ["ssh", ...sshArguments, "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"];
    const env = {
      GIT_SSH_COMMAND: ssh.map((part) => `'${part}'`).join(" "),
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_TERMINAL_PROMPT: "0",
    };
    return run("git", args, { cwd: work, env });
  }

  /** Arguments of ssh for one key and nothing else. */
  function withKey(file: string): string[] {
    const options = ["IdentitiesOnly=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
    return ["-F", "none", "-i", file, ...options.flatMap((option) => ["-o", option])];
  }

  test("the repository says where it is reached", async () => {
    const shown = kubectlOk(["get", "repositories.krate.a5c.ai/app", "-o", "jsonpath={.status.cloneUrls.ssh}"], {
      namespace,
    });
    expect(shown).toBe(url("app"));
  });

  test("a key made with kubectl pushes, clones and fetches; its deletion ends that", async () => {
    const file = newKey("laptop");
    expect(git(withKey(file), ["push", "origin", "main"]).stderr).toContain("Permission denied (publickey)");
    register("laptop", file, { scope: "user", owner: "alice" });
    ok(git(withKey(file), ["push", "-q", "origin", "main"]));
    ok(git(withKey(file), ["clone", "-q", url("app"), join(folder, "clone")]));
    ok(git(withKey(file), ["fetch", "-q", "origin"]));
    const fingerprint = ok(run("ssh-keygen", ["-l", "-f", `${file}.pub`])).split(" ")[1];
    expect(
      kubectlOk(["get", "sshkeys", "laptop", "-o", "jsonpath={.status.phase} {.status.fingerprint}"], { namespace }),
    ).toBe(`Active ${fingerprint}`);
    const events = kubectlOk(
      ["get", "gitevents", "-o", "jsonpath={range .items[*]}{.spec.transport} {.spec.actor.user} {.spec.ref};{end}"],
      { namespace },
    );
    expect(events).toBe("ssh alice refs/heads/main;");
    const used = () => kubectlOk(["get", "sshkeys", "laptop", "-o", "jsonpath={.status.lastUsedAt}"], { namespace });
    await eventually(() => /^\d{4}-\d\d-\d\dT\d\d:00:00Z$/.test(used()), {
      description: "the use of the key being told",
    });
    kubectlOk(["delete", "sshkeys", "laptop"], { namespace });
    await eventually(() => git(withKey(file), ["fetch", "origin"]).stderr.includes("Permission denied (publickey)"), {
      description: "the deleted key opening nothing",
    });
  });

  test("a revoked key opens nothing, and does not come back under another name", async () => {
    const file = newKey("lost");
    register("lost", file, { scope: "user", owner: "alice" });
    ok(git(withKey(file), ["ls-remote", "origin"]));
    kubectlOk(["patch", "sshkeys", "lost", "--type=merge", "-p", '{"spec":{"revoked":true}}'], { namespace });
    const refused = () => git(withKey(file), ["ls-remote", "origin"]).stderr.includes("Permission denied (publickey)");
    await eventually(refused, { description: "the revoked key opening nothing" });
    apply("SSHKey", "found", {
      organizationRef: "demo",
      scope: "user",
      owner: "alice",
      key: readFileSync(`${file}.pub`, "utf8").trim(),
    });
    kubectlOk(["wait", "--for=jsonpath={.status.phase}=Rejected", "sshkeys/found", "--timeout=60s"], { namespace });
    expect(refused()).toBe(true);
  });

  test("a deploy key reads its repository and says why it cannot push", async () => {
    const file = newKey("deploy");
    register("deploy", file, { scope: "deploy", repository: "app" });
    ok(git(withKey(file), ["ls-remote", "origin"]));
    commit("of a machine");
    const push = git(withKey(file), ["push", "origin", "main"]);
    expect(push.code).not.toBe(0);
    expect(push.stderr).toContain(`krate: SSHKey/deploy is read-only: it cannot push to "${namespace}/app"`);
    kubectlOk(["patch", "sshkeys", "deploy", "--type=merge", "-p", '{"spec":{"readOnly":false}}'], { namespace });
    await eventually(() => git(withKey(file), ["push", "origin", "main"]).code === 0, {
      description: "the key pushing",
    });
  });

  function login(person: string): Output {
    const [command = "", ...args] = krateCommand();
    const { kubeconfig, gitUrl } = forgeState();
    const where = ["--git-url", gitUrl, "--folder", join(folder, "login")];
    return run(command, [...args, "login", "--kubeconfig", kubeconfig, "--context", person, ...where]);
  }

  test("after `krate login` ssh and git work without a registered key, as the person of the kubeconfig", async () => {
    expect(ok(login("alice"))).toContain("Signed in as alice until ");
    const config = ["-F", join(folder, "login", "config")];
    commit("of a person");
    ok(git(config, ["push", "-q", "origin", "main:refs/heads/signed-in"]));
    const actor = kubectlOk(
      ["get", "gitevents", "-o", "jsonpath={.items[?(@.spec.ref=='refs/heads/signed-in')].spec.actor.user}"],
      { namespace },
    );
    expect(actor).toBe("alice");
    kubectlOk(["patch", "users.krate.a5c.ai", "alice", "--type=merge", "-p", '{"spec":{"disabled":true}}'], {
      namespace,
    });
    await eventually(
      () =>
        git(config, ["ls-remote", "origin"]).stderr.includes(`krate: "alice" is disabled in namespace "${namespace}"`),
      { description: "a person who is switched off being refused" },
    );
    kubectlOk(["patch", "users.krate.a5c.ai", "alice", "--type=merge", "-p", '{"spec":{"disabled":false}}'], {
      namespace,
    });
    await eventually(() => git(config, ["ls-remote", "origin"]).code === 0, { description: "the person being back" });
  });

  test("no certificate without a token that counts", async () => {
    const url = `${forgeState().gitUrl}/-/ssh/certificate`;
    // A new connection each, for one that was kept may be closed while commands block this process; and each is kept until its
    // answer is there, for a server that closes first may cut its own answer off (RFC 9112 §9.6).
    const post = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const agent = new Agent({ keepAlive: true });
        const asked = request(url, { method: "POST", headers, agent }, (answer) => {
          answer.resume().on("close", () => agent.destroy());
          resolve(answer.statusCode);
        });
        asked.on("error", reject).end("{}");
      });
    expect([await post({}), await post({ authorization: "Bearer nobody" })]).toEqual([401, 401]);
  });
});
