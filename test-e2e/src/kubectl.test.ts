/** Every verb of kubectl on the three sorts of kinds: records in Postgres, custom resources, core kinds. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "@krate/testing";
import { cloneUrl, forgeState, freshNamespace, gitOk, kubectl, kubectlOk, type RunOptions } from "./shared-forge.ts";

interface Sample {
  sort: string;
  kind: string;
  apiVersion: string;
  /** plural, with the group where a bare name would be ambiguous */
  resource: string;
  /** What kubectl prints before the name: `configmap/`. */
  prefix: string;
  /** A text field: where it stands, as object and as JSON pointer. */
  body: (text: string) => Record<string, unknown>;
  pointer: string;
  jsonpath: string;
  explained: string;
}

const spec = (field: string, more: object) => (text: string) => ({
  spec: { organizationRef: "demo", ...more, [field]: text },
});

const samples: Sample[] = [
  {
    sort: "a record",
    kind: "Issue",
    apiVersion: "forge.krate.a5c.ai/v1alpha1",
    resource: "issues.forge.krate.a5c.ai",
    prefix: "issue.forge.krate.a5c.ai/",
    body: spec("body", { title: "A title" }),
    pointer: "/spec/body",
    jsonpath: "{.spec.body}",
    explained: "spec.body",
  },
  {
    sort: "a record that the server works on",
    kind: "PullRequest",
    apiVersion: "forge.krate.a5c.ai/v1alpha1",
    resource: "pullrequests.forge.krate.a5c.ai",
    prefix: "pullrequest.forge.krate.a5c.ai/",
    body: spec("body", { repository: "app", title: "A title", head: "topic", base: "main" }),
    pointer: "/spec/body",
    jsonpath: "{.spec.body}",
    explained: "spec.body",
  },
  {
    sort: "a custom resource",
    kind: "Repository",
    apiVersion: "krate.a5c.ai/v1alpha1",
    resource: "repositories.krate.a5c.ai",
    prefix: "repository.krate.a5c.ai/",
    body: spec("description", {}),
    pointer: "/spec/description",
    jsonpath: "{.spec.description}",
    explained: "spec.description",
  },
  {
    sort: "a core kind",
    kind: "ConfigMap",
    apiVersion: "v1",
    resource: "configmaps",
    prefix: "configmap/",
    body: (text) => ({ data: { text } }),
    pointer: "/data/text",
    jsonpath: "{.data.text}",
    explained: "data",
  },
];

let namespace: string;
beforeAll(() => {
  namespace = freshNamespace("kubectl");
  pushBranches();
});

/** Pull requests need a repository with two branches. */
function pushBranches(): void {
  const repository = samples.find(({ kind }) => kind === "Repository") as Sample;
  ok(["create", "-f", "-"], { input: manifest(repository, "app", "first") });
  ok(["wait", "repositories.krate.a5c.ai/app", "--for=condition=Ready", "--timeout=60s"]);
  const folder = mkdtempSync(join(tmpdir(), "krate-kubectl-"));
  try {
    const alice = (...args: string[]) =>
      gitOk(["-c", "user.name=Alice", "-c", "user.email=alice@example.test", ...args], { cwd: folder });
    alice("init", "-q", "-b", "main");
    alice("commit", "-q", "--allow-empty", "-m", "first");
    alice("push", "-q", cloneUrl(namespace, "app"), "main");
    alice("commit", "-q", "--allow-empty", "-m", "second");
    alice("push", "-q", cloneUrl(namespace, "app"), "main:topic");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

afterAll(() => {
  // A repository with open pull requests is not deleted.
  kubectlOk(["delete", "pullrequests.forge.krate.a5c.ai", "--all"], { namespace });
  kubectlOk(["delete", "repositories.krate.a5c.ai", "--all"], { namespace });
  kubectlOk(["delete", "namespace", namespace, "--wait=false"]);
});

const ok = (args: readonly string[], options: RunOptions = {}) => kubectlOk(args, { namespace, ...options });

const manifest = (sample: Sample, name: string, text: string, metadata: object = {}) =>
  JSON.stringify({
    apiVersion: sample.apiVersion,
    kind: sample.kind,
    metadata: { name, ...metadata },
    ...sample.body(text),
  });

describe.each(samples)("kubectl on $sort ($kind)", (sample) => {
  const { resource, prefix, jsonpath } = sample;
  /** A fresh object with the text `first`. */
  let name: string;
  let counter = 0;
  const create = (metadata: object = {}) => {
    name = `${sample.kind.toLowerCase()}-${++counter}`;
    ok(["create", "-f", "-"], { input: manifest(sample, name, "first", metadata) });
    return name;
  };
  const textOf = () => ok(["get", resource, name, "-o", `jsonpath=${jsonpath}`]);

  test("create says what was created, and refuses to do it again", () => {
    const input = manifest(sample, "created", "first");
    expect(ok(["create", "-f", "-"], { input })).toBe(`${prefix}created created\n`);
    const again = kubectl(["create", "-f", "-"], { namespace, input });
    expect(again).toEqual({
      code: 1,
      stdout: "",
      stderr: `Error from server (AlreadyExists): error when creating "STDIN": ${resource} "created" already exists\n`,
    });
  });

  test("get prints it as name, yaml, json and table", () => {
    create();
    expect(ok(["get", resource, name, "-o", "name"])).toBe(`${prefix}${name}\n`);
    expect(ok(["get", resource, name, "-o", "yaml"])).toMatch(
      new RegExp(
        `^apiVersion: ${sample.apiVersion}\n[\\s\\S]*kind: ${sample.kind}\nmetadata:\n[\\s\\S]*\n  name: ${name}\n`,
      ),
    );
    const object = JSON.parse(ok(["get", resource, name, "-o", "json"]));
    expect(object).toMatchObject(JSON.parse(manifest(sample, name, "first")));
    expect(object.metadata).toMatchObject({ namespace, uid: expect.any(String), resourceVersion: expect.any(String) });
    const [header, row, ...rest] = ok(["get", resource, name]).trimEnd().split("\n");
    expect(header).toMatch(/^NAME .*AGE$/);
    expect(row).toMatch(new RegExp(`^${name} `));
    expect(rest).toEqual([]);
    const wide = ok(["get", resource, name, "-o", "wide"]).split("\n")[0] ?? "";
    expect(wide.length).toBeGreaterThanOrEqual(header?.length ?? 0);
    expect(ok(["get", resource, name, "--no-headers", "-o", "custom-columns=N:.metadata.name"])).toBe(`${name}\n`);
  });

  test("get of what is not there says so", () => {
    expect(kubectl(["get", resource, "nobody"], { namespace })).toEqual({
      code: 1,
      stdout: "",
      stderr: `Error from server (NotFound): ${resource} "nobody" not found\n`,
    });
  });

  test("get -w shows changes as they happen", async () => {
    create();
    const { kubeconfig } = forgeState();
    const watching = spawn("kubectl", [
      ...["--kubeconfig", kubeconfig, "--context", "admin", "-n", namespace],
      ...["get", resource, "--field-selector", `metadata.name=${name}`, "-w", "--output-watch-events"],
      ...["-o", `jsonpath={.type} {.object${jsonpath.slice(1, -1)}}{"\\n"}`],
    ]);
    let seen = "";
    watching.stdout.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
    });
    const exited = new Promise((resolve) => watching.once("exit", resolve));
    try {
      await eventually(() => seen.includes("ADDED first"), { timeoutSeconds: 30, description: "the first event" });
      ok(["patch", resource, name, "--type=merge", "-p", JSON.stringify(sample.body("second"))]);
      await eventually(() => seen.includes("MODIFIED second"), { timeoutSeconds: 30, description: "the change" });
      ok(["delete", resource, name, "--wait=false"]);
      await eventually(() => seen.includes("DELETED second"), { timeoutSeconds: 30, description: "the deletion" });
    } finally {
      watching.kill();
      await exited;
    }
  });

  test("describe shows name, namespace and fields", () => {
    create();
    const text = ok(["describe", resource, name]);
    expect(text).toMatch(new RegExp(`^Name: +${name}\nNamespace: +${namespace}\n`));
    expect(text).toContain("first");
    expect(text).toContain("Events:");
  });

  test("explain tells kind, version and the field", () => {
    const text = ok(["explain", `${resource.split(".")[0]}.${sample.explained}`, `--api-version=${sample.apiVersion}`]);
    expect(text).toMatch(new RegExp(`KIND: +${sample.kind}\n`));
    expect(text).toMatch(/VERSION: +v1/);
    expect(text).toMatch(/DESCRIPTION:\n {4}\S/);
  });

  test.each([
    { side: "client", flags: [], reason: "a three-way merge that kubectl makes" },
    { side: "server", flags: ["--server-side"], reason: "managed fields, merged by the server" },
  ])("apply, $side side: $reason", ({ side, flags }) => {
    name = `applied-${side}`;
    const said = side === "server" ? "serverside-applied" : "configured";
    const apply = (text: string) =>
      ok(["apply", ...flags, "-f", "-"], { input: manifest(sample, name, text, { labels: { a: "b" } }) });
    expect(apply("first")).toBe(`${prefix}${name} ${side === "server" ? said : "created"}\n`);
    expect(apply("second")).toBe(`${prefix}${name} ${said}\n`);
    expect(textOf()).toBe("second");
    expect(apply("second")).toBe(`${prefix}${name} ${side === "server" ? said : "unchanged"}\n`);
    ok(["apply", ...flags, "-f", "-"], { input: manifest(sample, name, "second") });
    expect(ok(["get", resource, name, "-o", "jsonpath={.metadata.labels.a}"])).toBe("");
  });

  test("apply --server-side of a field of another manager is a conflict, until forced", () => {
    name = "contested";
    const as = (manager: string, text: string, ...flags: string[]) =>
      kubectl(["apply", "--server-side", `--field-manager=${manager}`, ...flags, "-f", "-"], {
        namespace,
        input: manifest(sample, name, text),
      });
    expect(as("one", "first").code).toBe(0);
    const refused = as("two", "second");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('conflict with "one"');
    expect(textOf()).toBe("first");
    expect(as("two", "second", "--force-conflicts").code).toBe(0);
    expect(textOf()).toBe("second");
  });

  test("edit saves what the editor made of it", () => {
    create();
    const env = { KUBE_EDITOR: "sed -i s/first/edited/" };
    expect(ok(["edit", resource, name], { env })).toBe(`${prefix}${name} edited\n`);
    expect(textOf()).toBe("edited");
  });

  const patches = [
    { type: "merge", patch: sample.body("patched"), reason: "RFC 7386" },
    { type: "json", patch: [{ op: "replace", path: sample.pointer, value: "patched" }], reason: "RFC 6902" },
  ];
  test.each(patches)("patch --type=$type ($reason)", ({ type, patch }) => {
    create();
    const args = ["patch", resource, name, `--type=${type}`, "-p", JSON.stringify(patch)];
    expect(ok(args)).toBe(`${prefix}${name} patched\n`);
    expect(textOf()).toBe("patched");
    expect(ok(args)).toBe(`${prefix}${name} patched (no change)\n`);
  });

  test("patch --type=strategic works on core kinds and is refused elsewhere, as for any custom resource", () => {
    create();
    const body = JSON.stringify(sample.body("patched"));
    const result = kubectl(["patch", resource, name, "--type=strategic", "-p", body], { namespace });
    const core = sample.apiVersion === "v1";
    expect(result.code).toBe(core ? 0 : 1);
    const refusal = `error: application/strategic-merge-patch+json is not supported by ${sample.apiVersion}, Kind=${sample.kind}: `;
    if (!core) expect(result.stderr).toContain(refusal);
    expect(textOf()).toBe(core ? "patched" : "first");
  });

  test.each(["label", "annotate"])("%s sets, refuses to overwrite, and removes", (verb) => {
    create();
    const past = verb === "label" ? "labeled" : "annotated";
    const field = verb === "label" ? "labels" : "annotations";
    const value = () => ok(["get", resource, name, "-o", `jsonpath={.metadata.${field}.colour}`]);
    expect(ok([verb, resource, name, "colour=red"])).toBe(`${prefix}${name} ${past}\n`);
    expect(value()).toBe("red");
    expect(kubectl([verb, resource, name, "colour=blue"], { namespace }).code).toBe(1);
    ok([verb, resource, name, "colour=blue", "--overwrite"]);
    expect(value()).toBe("blue");
    ok([verb, resource, name, "colour-"]);
    expect(value()).toBe("");
  });

  test("get -l selects by label", () => {
    create({ labels: { chosen: sample.kind } });
    create();
    expect(ok(["get", resource, "-l", `chosen=${sample.kind}`, "-o", "name"]).split("\n")).toHaveLength(2);
  });

  test("diff shows the change without making it", () => {
    create();
    const input = manifest(sample, name, "second");
    const result = kubectl(["diff", "-f", "-"], { namespace, input });
    expect(result.code).toBe(1);
    expect(result.stdout).toMatch(/^-.*first$/m);
    expect(result.stdout).toMatch(/^\+.*second$/m);
    expect(textOf()).toBe("first");
  });

  test("wait returns when the field has the value, and when the object is gone", () => {
    create();
    const condition = `--for=jsonpath=${jsonpath}=first`;
    expect(ok(["wait", resource, name, condition, "--timeout=30s"])).toBe(`${prefix}${name} condition met\n`);
    ok(["delete", resource, name, "--wait=false"]);
    ok(["wait", resource, name, "--for=delete", "--timeout=30s"]);
    expect(kubectl(["get", resource, name], { namespace }).code).toBe(1);
  });

  test("delete says so and waits until it is gone", () => {
    create();
    expect(ok(["delete", resource, name])).toMatch(new RegExp(`^${prefix.slice(0, -1)} "${name}" deleted`));
    expect(kubectl(["get", resource, name], { namespace }).stderr).toContain("NotFound");
  });

  test("api-resources lists it", () => {
    const group = sample.apiVersion.includes("/") ? (sample.apiVersion.split("/")[0] ?? "") : "";
    const lines = ok(["api-resources", `--api-group=${group}`, "--no-headers", "--namespaced=true"]).split("\n");
    const columns = lines.map((line) => line.trim().split(/ +/)).find((line) => line[0] === resource.split(".")[0]);
    expect(columns?.slice(-3)).toEqual([sample.apiVersion, "true", sample.kind]);
  });

  test("auth can-i tells a developer what she may", () => {
    const can = (verb: string, as: "alice" | "admin") =>
      kubectl(["auth", "can-i", verb, resource], { namespace: forgeState().namespace, as }).stdout;
    expect(can("get", "alice")).toBe(sample.apiVersion === "v1" ? "no\n" : "yes\n");
    expect(can("deletecollection", "alice")).toBe("no\n");
    expect(can("deletecollection", "admin")).toBe("yes\n");
  });
});

test("wait --for=condition and logs follow a Pod to its end", () => {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "echo" },
    spec: {
      restartPolicy: "Never",
      nodeSelector: { "krate.a5c.ai/process-node": "true" },
      tolerations: [{ operator: "Exists" }],
      containers: [{ name: "echo", image: "none", command: ["sh", "-c", "echo one; echo two"] }],
    },
  };
  ok(["create", "-f", "-"], { input: JSON.stringify(pod) });
  ok(["wait", "pod/echo", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s"]);
  expect(ok(["logs", "echo"])).toBe("one\ntwo\n");
  expect(ok(["logs", "echo", "--tail=1"])).toBe("two\n");
  expect(ok(["delete", "pod", "echo"])).toMatch(/^pod "echo" deleted/);
});
