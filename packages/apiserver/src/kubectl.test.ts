/** The real kubectl against the program: what a person would type. */
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { skipWithout } from "@krate/testing";
import { type RealServer, realServer } from "./testing/real-server.ts";

// Dozens of processes: slow on a machine that does other things besides.
jest.setTimeout(60_000);

interface Output {
  code: number;
  out: string;
  err: string;
}

skipWithout("kubectl")("kubectl", () => {
  let server: RealServer;
  beforeAll(async () => {
    server = await realServer();
  });
  afterAll(() => server.stop());

  function kubectl(args: string, input = "", environment: Record<string, string> = {}): Promise<Output> {
    return new Promise((resolve) => {
      const child = spawn("kubectl", args.split(" "), {
        env: { PATH: process.env["PATH"], HOME: server.folder, KUBECONFIG: server.kubeconfig, ...environment },
      });
      let out = "";
      let err = "";
      child.stdout.on("data", (chunk: Buffer) => {
        out += chunk.toString();
      });
      child.stderr.on("data", (chunk: Buffer) => {
        err += chunk.toString();
      });
      child.on("close", (code) => resolve({ code: code ?? 1, out, err }));
      child.stdin.end(input);
    });
  }

  /** What it prints, with runs of blanks as one; fails with what it said when it failed. */
  async function says(args: string, input = "", environment: Record<string, string> = {}): Promise<string> {
    const { code, out, err } = await kubectl(args, input, environment);
    if (code !== 0) throw new Error(`kubectl ${args}: ${err}`);
    return out.trim().replaceAll(/ {2,}/g, " ");
  }

  const issue =
    "apiVersion: forge.krate.a5c.ai/v1alpha1\nkind: Issue\nmetadata: {name: i1}\nspec: {organizationRef: acme, title: hello}\n";

  test("finds out what there is", async () => {
    expect(await says("api-resources --api-group=forge.krate.a5c.ai -o name")).toContain(
      "pullrequests.forge.krate.a5c.ai",
    );
    expect(await says("api-resources --categories=krate -o name")).toContain("issues.forge.krate.a5c.ai");
    expect(await says("explain pullrequests.spec.title")).toContain("FIELD: title <string>");
    expect(await says("explain pods.spec.containers.image")).toContain("FIELD: image <string>");
    // OpenAPI v2, which kubectl reads as protobuf.
    expect(await says("explain issues.spec.title --output=plaintext-openapiv2")).toContain("FIELD: title <string>");
    expect(await says("get --raw /readyz?verbose")).toContain("readyz check passed");
  });

  test("creates core kinds, which it sends as protobuf", async () => {
    await says("create namespace team");
    await says("-n team create configmap c --from-literal=a=1");
    await says("-n team create secret generic s --from-literal=p=w");
    expect(await says("-n team get configmap c -o jsonpath={.data.a}")).toBe("1");
    expect(await says("-n team get secret,configmap -l x!=y")).toMatch(/secret\/s Opaque 1 \d+s/);
    expect(await says("-n team create token default")).toMatch(/^ey/);
    expect(await says("auth can-i delete nodes")).toBe("yes");
    expect((await kubectl("auth can-i delete nodes --as bob")).out).toBe("no\n");
    expect(await says("auth whoami -o jsonpath={.status.userInfo.username}")).toBe("admin");
  });

  test("applies on either side, and sees the difference first", async () => {
    expect(await says("apply -f -", issue)).toBe("issue.forge.krate.a5c.ai/i1 created");
    expect(await says("apply -f -", issue)).toBe("issue.forge.krate.a5c.ai/i1 unchanged");
    const changed = issue.replace("hello", "goodbye");
    const diff = await kubectl("diff -f -", changed);
    expect({ code: diff.code, changed: diff.out.includes("+  title: goodbye") }).toEqual({ code: 1, changed: true });
    expect(await says("apply -f -", changed)).toBe("issue.forge.krate.a5c.ai/i1 configured");
    expect((await kubectl("apply --server-side --field-manager=other -f -", issue)).err).toContain("conflict with");
    expect(await says("apply --server-side --field-manager=other --force-conflicts -f -", issue)).toContain(
      "serverside-applied",
    );
    expect((await kubectl("apply -f -", issue.replace("title: hello", "titel: x"))).err).toContain(
      'unknown field "spec.titel"',
    );
  });

  test("patches, labels, annotates, edits, replaces", async () => {
    await says('patch issue i1 --type=merge -p {"spec":{"title":"a"}}');
    await says('patch issue i1 --type=json -p [{"op":"replace","path":"/spec/title","value":"b"}]');
    await says('patch issue i1 --subresource=status --type=merge -p {"status":{"conditions":[]}}');
    await says("label issue i1 area=ui");
    await says("annotate issue i1 note=x");
    const editor = join(server.folder, "editor");
    await writeFile(editor, '#!/bin/sh\nsed -i "s/title: b/title: c/" "$1"\n', { mode: 0o755 });
    expect(await says("edit issue i1", "", { EDITOR: editor })).toBe("issue.forge.krate.a5c.ai/i1 edited");
    expect(await says("replace -f -", await says("get issue i1 -o json"))).toContain("replaced");
    expect(await says("get issues -l area=ui -o custom-columns=T:.spec.title --no-headers")).toBe("c");
  });

  test("shows tables, watches, waits, describes, deletes", async () => {
    expect(await says("get issues --no-headers")).toMatch(/^i1 1 c \S+ admin/);
    const watching = kubectl("get issues -w --request-timeout=3s --no-headers -o name");
    const waiting = says("wait issue/i1 --for=jsonpath={.status.phase}=Closed --timeout=10s");
    await says('patch issue i1 --type=merge -p {"spec":{"state":"closed"}}');
    expect(await waiting).toBe("issue.forge.krate.a5c.ai/i1 condition met");
    expect(await says("describe issue i1")).toContain("Phase: Closed");
    expect((await watching).out).toContain("issue.forge.krate.a5c.ai/i1\n");
    expect(await says("delete issue i1 --wait")).toBe('issue.forge.krate.a5c.ai "i1" deleted');
    expect((await kubectl("get issue i1")).err).toContain('issues.forge.krate.a5c.ai "i1" not found');
  });

  test("deletes a namespace with everything in it", async () => {
    expect(await says("delete namespace team --timeout=20s")).toBe('namespace "team" deleted');
    expect(await says("get namespaces -o name")).not.toContain("team");
  });
});
