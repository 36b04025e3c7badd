import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { flushPkt, formatPktLine, parsePktLines, parseReportStatus, zeroObjectId } from "@krate/git";
import { eventually } from "@krate/testing";
import { EventsNotWrittenError } from "../ports.ts";
import { GatewayFixture, ok } from "../testing/gateway-fixture.ts";
import { idOf, pack, packed, varint } from "../testing/hand-made-pack.ts";

let gateway: GatewayFixture;
let gitDir: string;
let count = 0;
let name: string;

beforeAll(async () => {
  gateway = await GatewayFixture.start({ maxPackBytes: 1_000_000, maxObjectBytes: 20_000_000 });
});
afterAll(() => gateway.stop());
afterEach(() => expect(gateway.failures).toEqual([]));
beforeEach(async () => {
  name = `hostile-${count++}`;
  gitDir = await gateway.createRepository(name);
});

const someId = "a".repeat(40);

function command(oldId: string, newId: string, ref: string, capabilities = "report-status"): Buffer {
  return Buffer.concat([formatPktLine(`${oldId} ${newId} ${ref}\0${capabilities}`), flushPkt]);
}

async function post(
  body: Buffer,
  headers: Record<string, string> = {},
): Promise<{ status: number; bytes: Buffer; text: string }> {
  const response = await fetch(`${gateway.origin}/acme/${name}.git/git-receive-pack`, {
    method: "POST",
    headers: {
      authorization: "Bearer alice-token",
      "content-type": "application/x-git-receive-pack-request",
      ...headers,
    },
    body: new Uint8Array(body),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, bytes, text: bytes.toString("utf8") };
}

/** Nothing of a refused push may stay: no object, no ref, no folder. */
async function expectUntouched(): Promise<void> {
  const objects = await ok(gateway.git(["--git-dir", gitDir, "count-objects", "-v"]));
  expect(objects.stdout).toMatch(/^count: 0\n(.*\n)*in-pack: 0\n/);
  expect((await ok(gateway.git(["--git-dir", gitDir, "for-each-ref"]))).stdout).toBe("");
  expect(await readdir(join(gitDir, "krate/incoming")).catch(() => [])).toEqual([]);
}

describe("requests outside the protocol", () => {
  test.each([
    { body: Buffer.from("GET / HTTP/1.1"), reason: "not a pkt-line" },
    { body: Buffer.from("0003"), reason: "a length nobody may send" },
    { body: Buffer.from("fff0abc"), reason: "a truncated line" },
    { body: Buffer.concat([formatPktLine("nonsense"), flushPkt]), reason: "not a command" },
    { body: formatPktLine(`${zeroObjectId} ${someId} refs/heads/x\0report-status`), reason: "no flush" },
    {
      body: Buffer.concat([
        formatPktLine(`${zeroObjectId} ${someId} refs/heads/x`),
        formatPktLine(`${zeroObjectId} ${someId} refs/heads/x`),
        flushPkt,
      ]),
      reason: "one ref twice",
    },
  ])("are refused with 400: $reason", async ({ body }) => {
    expect((await post(body)).status).toBe(400);
    await expectUntouched();
  });

  test("a body that is not gzip although it says so is refused", async () => {
    expect((await post(Buffer.from("not gzip"), { "content-encoding": "gzip" })).status).toBe(400);
  });

  test("an unknown encoding and a wrong type are refused", async () => {
    expect((await post(flushPkt, { "content-encoding": "br" })).status).toBe(415);
    expect((await post(flushPkt, { "content-type": "text/plain" })).status).toBe(415);
  });

  test("gzip that blows up is cut off", async () => {
    const bomb = gzipSync(Buffer.concat([command(zeroObjectId, someId, "refs/heads/x"), Buffer.alloc(200_000_000)]));
    const { status, text } = await post(bomb, { "content-encoding": "gzip" });
    expect(status === 413 || text.includes("ng refs/heads/x")).toBe(true);
    await expectUntouched();
  });

  test("the probe git sends before a large push is answered", async () => {
    expect(await post(flushPkt)).toMatchObject({ status: 200, text: "" });
  });
});

describe("packs", () => {
  const commit = (tree: string) =>
    Buffer.from(`tree ${tree}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n`);
  const emptyTree = Buffer.alloc(0);
  const emptyTreeId = idOf("tree", emptyTree);
  const good = commit(emptyTreeId);
  const goodId = idOf("commit", good);
  const wholePack = pack(packed(1, good), packed(2, emptyTree));

  test("a sound one made by hand is taken", async () => {
    const { bytes } = await post(Buffer.concat([command(zeroObjectId, goodId, "refs/heads/main"), wholePack]));
    expect(parseReportStatus(parsePktLines(bytes))).toEqual({ refs: [{ ref: "refs/heads/main", ok: true }] });
  });

  test.each([
    { make: () => wholePack.subarray(0, 40), reason: "truncated", text: /truncated|malformed/ },
    { make: () => Buffer.alloc(0), reason: "none at all", text: /no pack/ },
    {
      make: () => Buffer.from("PACK\0\0\0\x09\0\0\0\x01", "latin1"),
      reason: "a version nobody knows",
      text: /version 9/,
    },
    {
      make: () => Buffer.concat([wholePack.subarray(0, -20), Buffer.alloc(20)]),
      reason: "a wrong checksum",
      text: /malformed/,
    },
    {
      make: () => pack(packed(1, commit(someId)), packed(1, good)),
      reason: "a tree is missing",
      text: /missing|unable|malformed/,
    },
    {
      make: () =>
        pack(
          packed(
            7,
            Buffer.concat([varint(5), varint(5), Buffer.from([0x90, 5])]),
            undefined,
            Buffer.from(someId, "hex"),
          ),
        ),
      reason: "a thin delta without its base",
      text: /no base|incomplete|malformed/,
    },
    {
      make: () => pack(packed(1, Buffer.from("tree nothing\n")), packed(2, emptyTree)),
      reason: "a broken commit",
      text: /malformed/,
    },
    {
      make: () =>
        pack(
          packed(1, good),
          packed(2, emptyTree),
          packed(2, Buffer.concat([Buffer.from("40000 .git\0"), Buffer.from(emptyTreeId, "hex")])),
        ),
      reason: "a tree that holds .git (CVE-2014-9390)",
      text: /malformed|\.git/,
    },
    {
      make: () =>
        pack(
          packed(1, good),
          packed(2, emptyTree),
          packed(2, Buffer.concat([Buffer.from("100644 ../x\0"), Buffer.from(someId, "hex")])),
        ),
      reason: "a path that leaves the tree",
      text: /malformed|contain|missing/,
    },
  ])("are refused: $reason", async ({ make, text }) => {
    const { bytes } = await post(Buffer.concat([command(zeroObjectId, goodId, "refs/heads/main"), make()]));
    const report = parseReportStatus(parsePktLines(bytes));
    expect(report.unpackError).toMatch(text);
    expect(report.refs[0]).toMatchObject({ ref: "refs/heads/main", ok: false });
    await expectUntouched();
  });

  test("a new tip that came with no pack and is not there is refused", async () => {
    const { bytes } = await post(
      Buffer.concat([command(zeroObjectId, someId, "refs/heads/main"), pack(packed(2, emptyTree))]),
    );
    expect(parseReportStatus(parsePktLines(bytes)).unpackError).toMatch(/missing necessary objects/);
    await expectUntouched();
  });

  test("a small delta that unfolds to gigabytes is stopped at the limit", async () => {
    const base = Buffer.alloc(1_000_000);
    const size = 2_000_000_000;
    const copy = Buffer.from([0x80 | 0x70, 0x40, 0x42, 0x0f]);
    const delta = Buffer.concat([
      varint(base.length),
      varint(size),
      ...Array.from({ length: size / 1_000_000 }, () => copy),
    ]);
    const bomb = pack(
      packed(1, good),
      packed(2, emptyTree),
      packed(3, base),
      packed(7, delta, undefined, Buffer.from(idOf("blob", base), "hex")),
    );
    expect(bomb.length).toBeLessThan(10_000);
    const { bytes } = await post(Buffer.concat([command(zeroObjectId, goodId, "refs/heads/main"), bomb]));
    expect(parseReportStatus(parsePktLines(bytes)).unpackError).toMatch(/larger than the 20000000 bytes allowed/);
    await expectUntouched();
  });

  test("a pack above the limit is refused and says what the limit is", async () => {
    const work = await gateway.workTree(`${name}-work`, name);
    const noise = createHash("sha512");
    const lines = Array.from({ length: 60_000 }, (_, index) => noise.copy().update(String(index)).digest("base64"));
    await gateway.commit(work, "noise", lines.join("\n"), "noise");
    const pushed = await gateway.git(["push", "origin", "main"], work);
    expect(pushed.stderr).toContain("larger than the 1000000 bytes allowed per push");
    await expectUntouched();
  });

  test("a commit may not become a branch when it is a blob", async () => {
    const blob = Buffer.from("x");
    const { bytes } = await post(
      Buffer.concat([command(zeroObjectId, idOf("blob", blob), "refs/heads/main"), pack(packed(3, blob))]),
    );
    expect(parseReportStatus(parsePktLines(bytes)).refs[0]).toMatchObject({
      ok: false,
      message: expect.stringContaining("not at a blob"),
    });
    await expectUntouched();
  });

  test.each(["HEAD", "refs/heads/../x", "refs/heads/x.lock", "refs/krate/x", "refs/heads/a b"])(
    "the ref %s cannot be pushed",
    async (ref) => {
      const { bytes } = await post(Buffer.concat([command(zeroObjectId, goodId, ref), wholePack]));
      expect(parseReportStatus(parsePktLines(bytes)).refs[0]).toMatchObject({ ok: false });
      await expectUntouched();
    },
  );

  test("an upload that breaks off leaves nothing", async () => {
    const body = Buffer.concat([command(zeroObjectId, goodId, "refs/heads/main"), wholePack.subarray(0, 30)]);
    const { port } = new URL(gateway.origin);
    const before = gateway.pushes.length;
    const requests = gateway.requests.length;
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), "127.0.0.1", () => {
        socket.write(
          `POST /acme/${name}.git/git-receive-pack HTTP/1.1\r\nhost: x\r\nauthorization: Bearer alice-token\r\n` +
            `content-type: application/x-git-receive-pack-request\r\ncontent-length: 100000\r\n\r\n`,
        );
        socket.write(body, () => setImmediate(() => socket.destroy()));
      });
      socket.once("close", () => resolve());
    });
    await eventually(async () => gateway.requests.length > requests);
    expect(gateway.pushes).toHaveLength(before);
    await expectUntouched();
  });
});

test("two pushes to one ref at once: one wins, the other is told to fetch", async () => {
  const works = await Promise.all([1, 2].map((index) => gateway.workTree(`${name}-work-${index}`, name)));
  await Promise.all(works.map((work, index) => gateway.commit(work, "file", `${index}\n`, `by ${index}`)));
  const outcomes = await Promise.all(works.map((work) => gateway.git(["push", "origin", "main"], work)));
  expect(outcomes.filter(({ code }) => code === 0)).toHaveLength(1);
  const decisions = gateway.cluster.events
    .filter(({ spec }) => spec.repository === name)
    .map(({ spec }) => spec.decision);
  expect(decisions.filter((decision) => decision === "Accepted")).toHaveLength(1);
});

test("when events cannot be recorded nothing is changed, and the reason is told", async () => {
  const work = await gateway.workTree(`${name}-work`, name);
  gateway.cluster.appendError = new EventsNotWrittenError('gitevents "x" is forbidden: no', { permanent: true });
  const pushed = await gateway.git(["push", "origin", "main"], work);
  gateway.cluster.appendError = undefined;
  expect(pushed.stderr).toContain("could not be recorded and nothing was changed: gitevents");
  expect((await ok(gateway.git(["--git-dir", gitDir, "for-each-ref"]))).stdout).toBe("");
  await ok(gateway.git(["push", "-q", "origin", "main"], work));
});

test("when it is uncertain whether events were recorded the push goes forward and the journal keeps them", async () => {
  const work = await gateway.workTree(`${name}-work`, name);
  gateway.cluster.appendError = new Error("connection lost");
  const pushed = await gateway.git(["push", "origin", "main"], work);
  gateway.cluster.appendError = undefined;
  expect(pushed).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("its events follow when the API server is back"),
  });
  expect(gateway.cluster.events.filter(({ spec }) => spec.repository === name)).toEqual([]);
  await gateway.commit(work, "more", "more\n", "more");
  await ok(gateway.git(["push", "-q", "origin", "main"], work));
  expect(gateway.cluster.events.filter(({ spec }) => spec.repository === name).map(({ spec }) => spec.action)).toEqual([
    "create",
    "update",
  ]);
});
