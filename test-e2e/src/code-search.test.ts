/** Code search as people use it: `kubectl krate search` over what was pushed, and nothing of what one may not read. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "@krate/testing";
import { checkout, krateCommand } from "./forge.ts";
import { cloneUrl, forgeState, freshNamespace, gitOk, kubectlOk, type Output, run } from "./shared-forge.ts";

describe("code search", () => {
  let folder: string;
  let open: string;
  let hidden: string;
  let work: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "krate-e2e-search-"));
    // What `kubectl krate` finds on PATH: the plugin, as hack/kubectl-krate is.
    const plugin = [
      "#!/bin/sh",
      `exec ${krateCommand()
        .map((part) => `'${part}'`)
        .join(" ")} "$@"`,
      "",
    ].join("\n");
    writeFileSync(join(folder, "kubectl-krate"), plugin);
    chmodSync(join(folder, "kubectl-krate"), 0o755);
    open = freshNamespace("search");
    hidden = freshNamespace("hidden");
    for (const [namespace, name] of [
      [open, "app"],
      [open, "other"],
      [hidden, "secret"],
    ] as const)
      repository(namespace, name);
    reader("reader", open);
    work = join(folder, "work");
    gitOk(["init", "-q", "-b", "main", work]);
    push(hidden, "secret", { "secret.txt": "xylophone hidden treasure\n" });
    push(open, "app", {
      "src/main.go": 'package main\n\nfunc main() { play("xylophone") }\n',
      "README.md": "# Xylophone\n",
    });
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function apply(namespace: string, object: object): void {
    kubectlOk(["apply", "-f", "-"], { namespace, input: JSON.stringify(object) });
  }

  function repository(namespace: string, name: string, spec: object = {}): void {
    const apiVersion = "krate.a5c.ai/v1alpha1";
    apply(namespace, {
      apiVersion,
      kind: "Repository",
      metadata: { name },
      spec: { organizationRef: "demo", visibility: "private", ...spec },
    });
    kubectlOk(["wait", "--for=condition=Ready", `repositories.krate.a5c.ai/${name}`, "--timeout=60s"], { namespace });
  }

  /** Somebody with a token who may read one namespace, or some repositories of it; writes a kubeconfig. */
  function reader(name: string, namespace: string, repositories?: string[]): void {
    const rule = { apiGroups: ["krate.a5c.ai"], resources: ["repositories/content"], verbs: ["get"] };
    const apiVersion = "rbac.authorization.k8s.io/v1";
    apply(open, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name } });
    apply(namespace, {
      apiVersion,
      kind: "Role",
      metadata: { name },
      rules: [{ ...rule, ...(repositories && { resourceNames: repositories }) }],
    });
    apply(namespace, {
      apiVersion,
      kind: "RoleBinding",
      metadata: { name },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", name, namespace: open }],
    });
    const token = kubectlOk(["create", "token", name], { namespace: open }).trim();
    const config = JSON.parse(kubectlOk(["config", "view", "--raw", "--flatten", "-o", "json"])) as {
      users: object[];
      contexts: { context: { user: string } }[];
    };
    const users = [{ name, user: { token } }];
    const contexts = [{ name, context: { ...config.contexts[0]?.context, user: name } }];
    writeFileSync(
      join(folder, `${name}.kubeconfig`),
      JSON.stringify({ ...config, users, contexts, "current-context": name }),
      { mode: 0o600 },
    );
  }

  /** Makes the branch one commit that has these files, whatever was there. */
  function push(namespace: string, name: string, files: Record<string, string>, branch = "main"): void {
    const author = ["-c", "user.name=Alice", "-c", "user.email=alice@example.org"];
    const made = (args: string[], input?: string) => gitOk(args, { cwd: work, ...(input && { input }) }).trim();
    made(["read-tree", "--empty"]);
    for (const [path, content] of Object.entries(files))
      made([
        "update-index",
        "--add",
        "--cacheinfo",
        `100644,${made(["hash-object", "-w", "--stdin"], content)},${path}`,
      ]);
    const commit = made([...author, "commit-tree", "-m", "files", made(["write-tree"])]);
    made(["push", "-qf", cloneUrl(namespace, name), `${commit}:refs/heads/${branch}`]);
  }

  function searchEnvironment(who: string): NodeJS.ProcessEnv {
    return {
      KUBECONFIG: join(folder, `${who}.kubeconfig`),
      PATH: `${folder}${delimiter}${process.env["PATH"]}`,
      KRATE_SEARCH_URL: forgeState().searchUrl,
    };
  }

  function search(args: readonly string[], who = "reader"): Output {
    return run("kubectl", ["krate", "search", ...args], { env: searchEnvironment(who) });
  }

  const found = (query: string, text: string, options: string[] = []) =>
    eventually(() => search([...options, query]).stdout.includes(text), { description: `${query} finding ${text}` });
  const gone = (query: string) =>
    eventually(() => search([query]).code === 1, { description: `${query} finding nothing` });

  test("a push is found within seconds, as grep shows it", async () => {
    await found("xylophone lang:go", `${open}/app:src/main.go:3:func main() { play("xylophone") }\n`);
    const { code, stdout } = search(["-o", "json", "--repo", "app", "-n", open, "Xylophone"]);
    const { files } = JSON.parse(stdout) as { files: { path: string; commit: string; lines: unknown[] }[] };
    expect({ code, path: files[0]?.path, lines: files[0]?.lines }).toEqual({
      code: 0,
      path: "README.md",
      lines: [{ number: 1, text: "# Xylophone", ranges: [[2, 11]] }],
    });
  });

  test("the repository says what is indexed", async () => {
    const shown = kubectlOk(["get", "repositories.krate.a5c.ai/app", "-o", "json"], { namespace: open });
    const { status } = JSON.parse(shown) as {
      status: { headSha: string; search: object; conditions: { type: string; reason: string }[] };
    };
    const tip = gitOk(["ls-remote", cloneUrl(open, "app"), "refs/heads/main"]).slice(0, 40);
    expect(status.search).toEqual({ phase: "Indexed", indexedSha: tip, lagSeconds: 0 });
    expect(status.conditions.find(({ type }) => type === "SearchIndexed")?.reason).toBe("Indexed");
  });

  test("the commands of docs/code-search.md are queries", () => {
    const text = readFileSync(join(checkout, "docs", "code-search.md"), "utf8");
    const commands = text.match(/^kubectl krate search .+$/gm) ?? [];
    expect(commands.length).toBeGreaterThan(3);
    const env = searchEnvironment("reader");
    for (const command of commands) {
      const { code, stderr } = run("sh", ["-c", command], { env });
      expect({ command, ok: code === 0 || code === 1, stderr }).toEqual({ command, ok: true, stderr: "" });
    }
  });

  test("a force push takes away what was there", async () => {
    push(open, "app", { "src/main.go": "package main // vibraphone\n" });
    await found("vibraphone", "src/main.go:1:package main // vibraphone");
    expect(search(["xylophone"])).toEqual({ code: 1, stdout: "", stderr: "" });
  });

  test("other branches are found when the repository names them, until they are deleted", async () => {
    push(open, "app", { "new.go": "package marimba\n" }, "topic");
    kubectlOk(
      ["patch", "repositories.krate.a5c.ai/app", "--type=merge", "-p", '{"spec":{"search":{"branches":["topic"]}}}'],
      { namespace: open },
    );
    await found("marimba", `${open}/app:new.go:1:package marimba`);
    expect(search(["marimba branch:HEAD"]).code).toBe(1);
    gitOk(["push", "-q", cloneUrl(open, "app"), ":refs/heads/topic"], { cwd: work });
    await gone("marimba");
  });

  test("what one may not read does not exist", async () => {
    await eventually(
      () =>
        kubectlOk(["get", "repositories.krate.a5c.ai/secret", "-o", "jsonpath={.status.search.phase}"], {
          namespace: hidden,
        }) === "Indexed",
      { description: "the hidden repository being indexed" },
    );
    const nothing = { code: 1, stdout: "", stderr: "" };
    for (const args of [
      ["treasure"],
      ["-n", hidden, "treasure"],
      ["-n", "no-such-namespace", "treasure"],
      ["--repo", "secret", "treasure"],
      ["--repo", "no-such-repository", "treasure"],
      ["repo:hidden"],
      ["file:secret or repo:secret"],
      ["--", "-repo:app file:secret"],
    ])
      expect(search(args)).toEqual(nothing);
    reader("guest", hidden, ["secret"]);
    expect(search(["treasure"], "guest").stdout).toBe(`${hidden}/secret:secret.txt:1:xylophone hidden treasure\n`);
    expect(search(["vibraphone"], "guest").code).toBe(1);
  });

  test("rights that are taken away are gone within seconds", async () => {
    kubectlOk(["delete", "rolebinding", "guest"], { namespace: hidden });
    await eventually(() => search(["treasure"], "guest").code === 1, { description: "the guest finding nothing" });
  });

  test("a public repository is everybody's", async () => {
    kubectlOk(["patch", "repositories.krate.a5c.ai/secret", "--type=merge", "-p", '{"spec":{"visibility":"public"}}'], {
      namespace: hidden,
    });
    await found("treasure", `${hidden}/secret:secret.txt:1:`);
    kubectlOk(
      ["patch", "repositories.krate.a5c.ai/secret", "--type=merge", "-p", '{"spec":{"visibility":"private"}}'],
      { namespace: hidden },
    );
    await gone("treasure");
  });

  test("search can be switched off for a repository, and a deleted one is gone", async () => {
    push(open, "other", { "a.txt": "glockenspiel\n" });
    await found("glockenspiel", `${open}/other:a.txt:1:glockenspiel`);
    kubectlOk(
      ["patch", "repositories.krate.a5c.ai/other", "--type=merge", "-p", '{"spec":{"search":{"enabled":false}}}'],
      { namespace: open },
    );
    await gone("glockenspiel");
    kubectlOk(
      ["patch", "repositories.krate.a5c.ai/other", "--type=merge", "-p", '{"spec":{"search":{"enabled":true}}}'],
      { namespace: open },
    );
    await found("glockenspiel", `${open}/other:a.txt:1:glockenspiel`);
    kubectlOk(["delete", "repositories.krate.a5c.ai/other", "--timeout=60s"], { namespace: open });
    expect(search(["glockenspiel"]).code).toBe(1);
  });

  test.each<[string, string[], RegExp]>([
    ["an unfinished expression", ["(a"], /is no RE2 regular expression: missing closing \)/],
    ["an expression that repeats too much", ["((a{100}){100}){100}"], /invalid repeat count/],
    ["nothing at all", [" "], /the query is empty/],
    ["a field that is not supported", ["sym:main"], /sym: is not supported/],
    ["a query of a book's length", ["a".repeat(3000)], /at most 2000 are allowed/],
    ["an unknown option", ["-repo:app"], /unknown option/],
    ["a namespace that cannot be", ["-n", "No Such", "a"], /must be a name of Kubernetes/],
  ])("%s is told, with exit code 2", (_what, args, message) => {
    const { code, stdout, stderr } = search(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });

  test("nobody searches without a token that counts, and nothing else is served", async () => {
    const url = `${forgeState().searchUrl}`;
    const token = /"token":"([^"]+)"/.exec(readFileSync(join(folder, "reader.kubeconfig"), "utf8"))?.[1];
    const get = async (path: string, authorization?: string, method = "GET") =>
      (
        await fetch(`${url}${path}`, {
          method,
          headers: { connection: "close", ...(authorization && { authorization }) },
        })
      ).status;
    expect([
      await get("/search?q=a"),
      await get("/search?q=a", "Bearer nobody"),
      await get("/search?q=%00", `Bearer ${token}`),
      await get("/search?q=a&limit=1000", `Bearer ${token}`),
      await get("/search?q=a&continue=nonsense", `Bearer ${token}`),
      await get("/search?q=a&shard=1", `Bearer ${token}`),
      await get("/search?q=a", `Bearer ${token}`, "POST"),
      await get("/", `Bearer ${token}`),
    ]).toEqual([401, 401, 400, 400, 400, 400, 405, 404]);
  });
});
