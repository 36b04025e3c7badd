/** `examples/your-own-api` as a stranger meets it: its README is run word for word. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { eventually, skipWithout, startControlPlane, temporaryFolder } from "@krate/testing";

// Postgres is initialised, and kubectl started twenty times.
jest.setTimeout(120_000);

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const readme = readFileSync(join(root, "examples/your-own-api/README.md"), "utf8");

interface Step {
  command: string;
  output: string;
}

/** The `$` lines of every `console` block, each with what is printed below it. */
function stepsOf(markdown: string): Step[] {
  return [...markdown.matchAll(/^```console\n(.*?)^```/gms)].flatMap(([, block = ""]) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const end = text.indexOf("\n");
        return { command: text.slice(0, end), output: normalized(text.slice(end)) };
      }),
  );
}

/** Blanks align columns, ages pass, and streams come in no order. */
function normalized(text: string): string {
  return text
    .split("\n")
    .map((line) => line.replaceAll(/\s+/g, " ").replace(/\d+s$/, "<age>").trim())
    .filter((line) => line !== "")
    .sort()
    .join("\n");
}

async function start(args: string[]): Promise<{ child: ChildProcess; kubeconfig: string }> {
  const child = spawn(process.execPath, ["examples/your-own-api/main.ts", ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const kubeconfig = line.split("KUBECONFIG=")[1];
    if (kubeconfig !== undefined) return { child, kubeconfig };
  }
  throw new Error("the example ended without a kubeconfig");
}

async function stop(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGINT");
  expect(await exited).toEqual([0, null]);
}

function shell(command: string, home: string, kubeconfig: string): Promise<string> {
  return new Promise((resolve) => {
    const env = { PATH: process.env["PATH"], HOME: home, KUBECONFIG: kubeconfig };
    const child = spawn("bash", ["-c", command], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
    }
    child.on("close", () => resolve(text));
  });
}

skipWithout("kubectl")("examples/your-own-api", () => {
  test.each(["memory", "embedded"])("does what its README says, stored in: %s", async (storage) => {
    const folder = await temporaryFolder();
    try {
      const { child, kubeconfig } = await start(["--folder", folder.path, "--storage", storage]);
      const seen: Step[] = [];
      for (const { command } of stepsOf(readme)) {
        seen.push({ command, output: normalized(await shell(command, folder.path, kubeconfig)) });
      }
      await stop(child);
      expect(seen).toEqual(stepsOf(readme));
    } finally {
      await folder.remove();
    }
  });

  test("finds its data again", async () => {
    const folder = await temporaryFolder();
    try {
      const first = await start(["--folder", folder.path]);
      await shell("kubectl apply -f examples/your-own-api/bookmark.yaml", folder.path, first.kubeconfig);
      await stop(first.child);
      const second = await start(["--folder", folder.path]);
      const found = await shell("kubectl get bookmarks -o name", folder.path, second.kubeconfig);
      await stop(second.child);
      expect(found).toBe("bookmark.example.com/kubernetes\n");
    } finally {
      await folder.remove();
    }
  });
});

skipWithout("envtest", "kubectl")("examples/your-own-api behind a real kube-apiserver", () => {
  // Its own: the group is one that others make definitions in.
  let plane: Awaited<ReturnType<typeof startControlPlane>>;
  let home: Awaited<ReturnType<typeof temporaryFolder>>;
  let child: ChildProcess;
  const kubectl = (command: string) => shell(`kubectl ${command}`, home.path, plane.info.kubeconfig);

  beforeAll(async () => {
    plane = await startControlPlane();
    home = await temporaryFolder();
    const { kubeconfig } = plane.info;
    ({ child } = await start(["--folder", join(home.path, "api"), "--storage", "memory", "--behind", kubeconfig]));
    await eventually(
      async () =>
        (await kubectl("wait --for=condition=Available apiservice/v1.example.com --timeout=1s")).includes(
          "condition met",
        ),
      { timeoutSeconds: 60, description: "the aggregator takes the API" },
    );
  }, 120_000);

  afterAll(async () => {
    await stop(child);
    await plane.stop();
    await home.remove();
  }, 60_000);

  test("kubectl finds the kind among the cluster's own and works on it", async () => {
    expect(await kubectl("api-resources --api-group=example.com --no-headers")).toMatch(
      /^bookmarks +bm +example.com\/v1 +true +Bookmark/,
    );
    expect(await kubectl("apply -f examples/your-own-api/bookmark.yaml")).toBe(
      "bookmark.example.com/kubernetes created\n",
    );
    expect(await kubectl("get bm kubernetes -o jsonpath='{.spec.stars} {.status.addedBy}'")).toBe("3 kubernetes-admin");
    expect(await kubectl("get bookmarks --field-selector spec.stars=3 --no-headers")).toMatch(
      /^kubernetes +https:\/\/kubernetes.io +3 /,
    );
    expect(await kubectl("explain bookmark.spec.stars")).toContain("How good it is.");
    expect(await kubectl(`patch bookmark kubernetes --type merge -p '{"spec":{"stars":6}}'`)).toContain(
      "spec.stars: Invalid value: 6: spec.stars in body should be less than or equal to 5",
    );
    expect(await kubectl("apply --server-side --field-manager ada -f examples/your-own-api/bookmark.yaml")).toBe(
      "bookmark.example.com/kubernetes serverside-applied\n",
    );
  });

  test("the cluster's RBAC decides", async () => {
    expect(await kubectl("get bookmarks --as ada")).toContain('User "ada" cannot list resource "bookmarks"');
    await kubectl("create role reader --verb=get,list --resource=bookmarks.example.com");
    await kubectl("create rolebinding readers --role=reader --user=ada");
    await eventually(
      async () => (await kubectl("get bookmarks --as ada -o name")) === "bookmark.example.com/kubernetes\n",
      {
        timeoutSeconds: 60,
      },
    );
    expect(await kubectl("delete bookmark kubernetes --as ada")).toContain("Forbidden");
  });

  test("the cluster's admission policies judge it", async () => {
    const policy = {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicy",
      metadata: { name: "bookmarks" },
      spec: {
        matchConstraints: {
          resourceRules: [
            { apiGroups: ["example.com"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["bookmarks"] },
          ],
        },
        validations: [{ expression: "!object.spec.url.contains('ads')", message: "no advertisements" }],
      },
    };
    const binding = {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name: "bookmarks" },
      spec: { policyName: "bookmarks", validationActions: ["Deny"] },
    };
    await kubectl(`apply -f - <<< '${JSON.stringify(policy).replaceAll("'", "'\\''")}'`);
    await kubectl(`apply -f - <<< '${JSON.stringify(binding)}'`);
    const advertisement = `{"apiVersion":"example.com/v1","kind":"Bookmark","metadata":{"name":"ads"},"spec":{"url":"https://ads.example.com"}}`;
    await eventually(
      async () => (await kubectl(`create --dry-run=server -f - <<< '${advertisement}'`)).includes("no advertisements"),
      {
        timeoutSeconds: 60,
      },
    );
  });
});
