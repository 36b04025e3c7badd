import { describe, expect, test } from "@jest/globals";
import {
  flushPkt,
  formatPktLine,
  formatRefAdvertisement,
  formatReportStatus,
  formatServiceHeader,
  formatSideBand,
  isBranchName,
  isRefName,
  maxPktPayloadBytes,
  PktLineReader,
  ProtocolError,
  parsePackHeader,
  parsePktLine,
  parsePktLines,
  parseReportStatus,
  parseSideBand,
  readReceivePackRequest,
  refNameProblem,
  zeroObjectId,
} from "./index.ts";

const a = "a".repeat(40);
const b = "b".repeat(40);

async function* inChunks(message: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < message.length; at += size) yield message.subarray(at, at + size);
}

function read(message: Buffer, chunk = 7, limits = {}) {
  return readReceivePackRequest(new PktLineReader(inChunks(message, chunk)), limits);
}

describe("pkt-line", () => {
  test("frames survive a round trip, whatever they hold", () => {
    for (const payload of ["", "a", "hello\n", "\0binary\xff", "x".repeat(maxPktPayloadBytes)]) {
      const parsed = parsePktLine(formatPktLine(Buffer.from(payload, "latin1")));
      expect(parsed?.line).toEqual({ kind: "data", payload: Buffer.from(payload, "latin1") });
    }
  });

  test.each([
    { bytes: "0000", kind: "flush" },
    { bytes: "0001", kind: "delim" },
    { bytes: "0002", kind: "response-end" },
    { bytes: "0004", kind: "data" },
  ])("$bytes is a $kind", ({ bytes, kind }) => {
    expect(parsePktLine(Buffer.from(bytes))?.line.kind).toBe(kind);
  });

  test.each([
    { bytes: "0003", reason: "3 is no length" },
    { bytes: "zzzz", reason: "not hexadecimal" },
    { bytes: "+123", reason: "a sign is not a digit" },
    { bytes: " 12a", reason: "a space is not a digit" },
    { bytes: "fff1", reason: "longer than a pkt-line may be" },
    { bytes: "PACK", reason: "a pack without commands" },
  ])("$bytes is refused: $reason", ({ bytes }) => {
    expect(() => parsePktLine(Buffer.from(bytes))).toThrow(ProtocolError);
  });

  test("a line that has not arrived completely is waited for", () => {
    expect(parsePktLine(Buffer.from("00"))).toBeUndefined();
    expect(parsePktLine(Buffer.from("0008ab"))).toBeUndefined();
  });

  test("a payload above the maximum cannot be framed", () => {
    expect(() => formatPktLine(Buffer.alloc(maxPktPayloadBytes + 1))).toThrow(/at most 65516 bytes/);
  });

  test("the reader hands over what follows the frames byte for byte", async () => {
    for (const size of [1, 3, 1000]) {
      const reader = new PktLineReader(inChunks(Buffer.from("0008abcd0000PACKrest of it"), size));
      expect(await reader.read()).toEqual({ kind: "data", payload: Buffer.from("abcd") });
      expect(await reader.read()).toEqual({ kind: "flush" });
      expect((await reader.peek(4)).toString()).toBe("PACK");
      const rest: Buffer[] = [];
      for await (const chunk of reader.rest()) rest.push(chunk);
      expect(Buffer.concat(rest).toString()).toBe("PACKrest of it");
    }
  });

  test("a stream that ends inside a frame is an error, between frames it is the end", async () => {
    await expect(new PktLineReader(inChunks(Buffer.from("0008ab"), 2)).read()).rejects.toThrow(/middle of a pkt-line/);
    await expect(new PktLineReader(inChunks(Buffer.from(""), 2)).read()).resolves.toBeUndefined();
  });
});

describe("side-band", () => {
  test("long content is cut into lines that fit", () => {
    const lines = formatSideBand("data", Buffer.alloc(200_000, 1));
    expect(lines.length).toBe(4);
    const contents = lines.flatMap((line) => parsePktLines(line)).map(parseSideBand);
    expect(contents.every(({ band }) => band === "data")).toBe(true);
    expect(Buffer.concat(contents.map(({ content }) => content)).equals(Buffer.alloc(200_000, 1))).toBe(true);
  });

  test("an unknown band is refused", () => {
    expect(() => parseSideBand({ kind: "data", payload: Buffer.from([9, 1]) })).toThrow(/side-band 9/);
    expect(() => parseSideBand({ kind: "flush" })).toThrow(ProtocolError);
  });
});

describe("receive-pack request", () => {
  const first = formatPktLine(
    `${zeroObjectId} ${a} refs/heads/main\0 report-status side-band-64k atomic agent=git/2.39.5`,
  );

  test("commands, capabilities and parameters are read", async () => {
    const request = await read(Buffer.concat([first, formatPktLine(`${a} ${b} refs/tags/v1`), flushPkt]));
    expect(request?.commands).toEqual([
      { ref: "refs/heads/main", oldId: zeroObjectId, newId: a },
      { ref: "refs/tags/v1", oldId: a, newId: b },
    ]);
    expect([...(request?.capabilities ?? [])]).toEqual(["report-status", "side-band-64k", "atomic"]);
    expect(request?.parameters.get("agent")).toBe("git/2.39.5");
  });

  test("push options follow when they were announced", async () => {
    const command = formatPktLine(`${zeroObjectId} ${a} refs/heads/main\0push-options`);
    const request = await read(
      Buffer.concat([command, flushPkt, formatPktLine("dry-run"), formatPktLine("a=b c"), flushPkt]),
    );
    expect(request?.pushOptions).toEqual(["dry-run", "a=b c"]);
  });

  test("a lone flush is a probe, not a push", async () => {
    expect(await read(flushPkt)).toBeUndefined();
  });

  test.each([
    { lines: [formatPktLine("hello")], reason: "not a command" },
    { lines: [formatPktLine(`${a.toUpperCase()} ${b} refs/heads/x`)], reason: "ids are lower case" },
    { lines: [formatPktLine(`${a} ${b} `)], reason: "no ref" },
    { lines: [formatPktLine(`${a} ${b.slice(1)} refs/heads/x`)], reason: "a short id" },
    { lines: [first, first], reason: "capabilities twice" },
    { lines: [first, formatPktLine(`${a} ${b} refs/heads/main`)], reason: "one ref twice" },
    { lines: [formatPktLine(`shallow ${a.slice(3)}`)], reason: "a short shallow id" },
    { lines: [formatPktLine("push-cert\0")], reason: "certificates are not advertised" },
    { lines: [first, Buffer.from("0001")], reason: "a delimiter does not end a list" },
    { lines: [formatPktLine(`${a} ${b} refs/heads/x\0object-format=sha256`)], reason: "another object format" },
  ])("is refused: $reason", async ({ lines, reason }) => {
    const end = reason.startsWith("a delimiter") ? [] : [flushPkt];
    await expect(read(Buffer.concat([...lines, ...end]))).rejects.toThrow(ProtocolError);
  });

  test("a list that never ends is refused at its end and above its limit", async () => {
    await expect(read(first)).rejects.toThrow(/must end with a flush/);
    const many = Array.from({ length: 4 }, (_, index) => formatPktLine(`${a} ${b} refs/heads/b${index}`));
    await expect(read(Buffer.concat([...many, flushPkt]), 100, { maxCommands: 3 })).rejects.toThrow(/at most 3 refs/);
  });

  test("a bad ref name is a problem of its command, not of the push", async () => {
    const request = await read(
      Buffer.concat([formatPktLine(`${a} ${b} refs/heads/../../etc`), formatPktLine(`${a} ${b} HEAD`), flushPkt]),
    );
    expect(request?.commands.map(({ problem }) => problem)).toEqual([
      'ref name must not contain ".."',
      'ref name must have at least two components, such as "refs/heads/main"',
    ]);
  });
});

describe("report-status", () => {
  test("both versions survive a round trip; only version 2 carries options", () => {
    const report = {
      refs: [
        { ref: "refs/heads/a", ok: true as const, forcedUpdate: true, oldId: a, newId: b },
        { ref: "refs/heads/b", ok: false as const, message: "no way" },
      ],
    };
    expect(parseReportStatus(parsePktLines(formatReportStatus(report, 2)))).toEqual(report);
    expect(parseReportStatus(parsePktLines(formatReportStatus(report, 1))).refs[0]).toEqual({
      ref: "refs/heads/a",
      ok: true,
    });
  });

  test("a message of several lines becomes one line", () => {
    const text = formatReportStatus(
      { unpackError: "a\nb", refs: [{ ref: "refs/heads/b", ok: false, message: "one\ntwo" }] },
      1,
    ).toString();
    expect(text).toContain("unpack a b\n");
    expect(text).toContain("ng refs/heads/b one two\n");
  });
});

test("a ref advertisement carries its capabilities on the first line, also without refs", () => {
  expect(formatServiceHeader("git-receive-pack").toString()).toBe("001f# service=git-receive-pack\n0000");
  expect(
    parsePktLines(
      formatRefAdvertisement(
        [
          { name: "refs/heads/a", objectId: a },
          { name: "refs/heads/b", objectId: b },
        ],
        ["x", "y=1"],
      ),
    ).map((line) => line.kind === "data" && line.payload.toString()),
  ).toEqual([`${a} refs/heads/a\0x y=1\n`, `${b} refs/heads/b\n`, false]);
  expect(formatRefAdvertisement([], ["x"]).toString()).toContain(`${zeroObjectId} capabilities^{}\0x\n`);
});

test("a pack header is recognised or refused", () => {
  expect(parsePackHeader(Buffer.from("PACK\0\0\0\x02\0\0\0\x07", "latin1"))).toEqual({ version: 2, objects: 7 });
  expect(() => parsePackHeader(Buffer.from("PACK\0\0\0\x04\0\0\0\x07", "latin1"))).toThrow(/version 4/);
  expect(() => parsePackHeader(Buffer.from("0000"))).toThrow(ProtocolError);
});

describe("ref names", () => {
  test.each([
    "refs/heads/main",
    "refs/heads/feature/x-1",
    "refs/tags/v1.0",
    "refs/heads/ünïcode",
    "refs/heads/日本語",
    "refs/pull/1/head",
    "refs/heads/@",
    "refs/heads/-x",
    "refs/heads/a.b",
  ])("%s is a ref", (name) => {
    expect(refNameProblem(name)).toBeUndefined();
    expect(isRefName(name)).toBe(true);
  });

  test.each([
    { name: "main", reason: "one component" },
    { name: "refs/heads/", reason: "ends with a slash" },
    { name: "/refs/heads/x", reason: "begins with a slash" },
    { name: "refs//x", reason: "an empty component" },
    { name: "refs/heads/.x", reason: "begins with a dot" },
    { name: "refs/heads/x.", reason: "ends with a dot" },
    { name: "refs/heads/x.lock", reason: ".lock" },
    { name: "refs/heads/x.LOCK/y", reason: ".lock on a file system without case" },
    { name: "refs/heads/a..b", reason: "two dots" },
    { name: "refs/heads/a b", reason: "a space" },
    { name: "refs/heads/a~b", reason: "tilde" },
    { name: "refs/heads/a^b", reason: "caret" },
    { name: "refs/heads/a:b", reason: "colon" },
    { name: "refs/heads/a?b", reason: "question mark" },
    { name: "refs/heads/a*b", reason: "asterisk" },
    { name: "refs/heads/a[b", reason: "bracket" },
    { name: "refs/heads/a\\b", reason: "backslash" },
    { name: "refs/heads/a@{b", reason: "reflog syntax" },
    { name: "refs/heads/a\nb", reason: "a newline" },
    { name: "refs/heads/a\x7fb", reason: "DEL" },
    { name: "refs/heads/.git/x", reason: "a dot directory" },
    { name: "refs/heads/u\u0308", reason: "not composed" },
    { name: "refs/heads/ma\u200bin", reason: "a zero-width space" },
    { name: "refs/heads/\u202etxt", reason: "turns the direction of text" },
    { name: "refs/heads/a\ufffd", reason: "was not UTF-8" },
    { name: `refs/${"x/".repeat(600)}y`, reason: "too long" },
  ])("$name is refused: $reason", ({ name }) => {
    expect(refNameProblem(name)).toBeDefined();
  });

  test("a branch may not be called HEAD or look like an option", () => {
    expect(isBranchName("HEAD")).toBe(false);
    expect(isBranchName("-d")).toBe(false);
    expect(isBranchName("main")).toBe(true);
  });
});
