import { describe, expect, test } from "@jest/globals";
import { createLogger, type LoggerOptions } from "./logger.ts";
import { forReconcile, forRequest } from "./scope.ts";

/** A logger whose lines end in an array. */
function capture(options: Partial<LoggerOptions> = {}) {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  return { lines, log: createLogger({ component: "test", level: "debug", destination, ...options }) };
}

test("a line carries component, level as a word, RFC 3339 time and the message", () => {
  const { lines, log } = capture();
  log.info({ repository: "acme/web" }, "ref moved");
  expect(lines).toEqual([
    {
      component: "test",
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      repository: "acme/web",
      msg: "ref moved",
    },
  ]);
});

test("lines below the level are not written", () => {
  const { lines, log } = capture({ level: "warn" });
  log.info("quiet");
  log.warn("loud");
  expect(lines.map((line) => line["msg"])).toEqual(["loud"]);
});

test("an unknown KRATE_LOG_LEVEL is refused with the allowed values", () => {
  const before = process.env["KRATE_LOG_LEVEL"];
  process.env["KRATE_LOG_LEVEL"] = "loud";
  try {
    expect(() => createLogger({ component: "test" })).toThrow(
      /KRATE_LOG_LEVEL is "loud": must be one of trace, debug, info/,
    );
  } finally {
    if (before === undefined) delete process.env["KRATE_LOG_LEVEL"];
    else process.env["KRATE_LOG_LEVEL"] = before;
  }
});

test("an error is written with its cause", () => {
  const { lines, log } = capture();
  log.error({ err: new Error("cannot push", { cause: new Error("disk full") }) }, "failed");
  expect(lines[0]?.["err"]).toMatchObject({ message: "cannot push", cause: { message: "disk full" } });
});

test("request and reconcile loggers name what they are about", () => {
  const { lines, log } = capture();
  forRequest(log, "abc").info("x");
  forReconcile(log, { kind: "Repository", namespace: "acme", name: "web" }).info("y");
  expect(lines[0]).toMatchObject({ requestID: "abc" });
  expect(lines[1]).toMatchObject({
    kind: "Repository",
    namespace: "acme",
    name: "web",
    reconcileID: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
});

describe("no secret reaches a line", () => {
  const secret = "hunter2hunter2";
  const cases: { reason: string; write: (log: ReturnType<typeof capture>["log"]) => void }[] = [
    { reason: "a key named password", write: (log) => log.info({ password: secret }) },
    {
      reason: "a nested header",
      write: (log) => log.info({ request: { headers: { Authorization: `Bearer ${secret}` } } }),
    },
    {
      reason: "a key in another spelling",
      write: (log) => log.info({ list: [{ api_key: secret, "x-auth-token": secret }] }),
    },
    { reason: "a Kubernetes Secret", write: (log) => log.info({ object: { kind: "Secret", data: { any: secret } } }) },
    { reason: "a child binding", write: (log) => log.child({ clientSecret: secret }).info("x") },
    { reason: "a bearer token inside the message", write: (log) => log.info(`sent Bearer ${secret} upstream`) },
    { reason: "a password inside a URL", write: (log) => log.info({ url: `https://me:${secret}@host.test/x.git` }) },
    {
      reason: "a URL inside an error",
      write: (log) => log.error({ err: new Error(`clone https://me:${secret}@host.test failed`) }),
    },
    {
      reason: "a secret-like property of an error",
      write: (log) => log.error({ err: Object.assign(new Error("x"), { token: secret }) }),
    },
    {
      reason: "a private key",
      write: (log) => log.info(`-----BEGIN EC PRIVATE KEY-----\n${secret}\n-----END EC PRIVATE KEY-----`),
    },
  ];
  test.each(cases)("$reason", ({ write }) => {
    const { lines, log } = capture();
    write(log);
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(lines)).not.toContain(secret);
  });
});

test("what only names a secret stays readable", () => {
  const { lines, log } = capture();
  log.info({ secretRef: { name: "deploy-key" }, tokenExpirationSeconds: 600, user: "https://host.test/a:b" }, "bound");
  expect(lines[0]).toMatchObject({
    secretRef: { name: "deploy-key" },
    tokenExpirationSeconds: 600,
    user: "https://host.test/a:b",
  });
});

test("a cyclic object ends instead of hanging", () => {
  const { lines, log } = capture();
  const loop: Record<string, unknown> = { name: "loop" };
  loop["self"] = loop;
  log.info({ loop }, "x");
  expect(JSON.stringify(lines[0])).toContain("[deep]");
});
