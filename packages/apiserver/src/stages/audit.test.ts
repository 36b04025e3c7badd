import { expect, test } from "@jest/globals";
import { type AuditOptions, auditor } from "../audit/auditor.ts";
import { parsePolicy } from "../audit/policy.ts";
import type { Services } from "../services.ts";
import { fixture, widget, widgetPath } from "../testing/fixture.ts";

function setUp(options: Omit<AuditOptions, "write"> = {}, overrides: Parameters<typeof fixture>[0] = {}) {
  const events: Record<string, unknown>[] = [];
  const write = (line: string) => void events.push(JSON.parse(line) as Record<string, unknown>);
  const services: Partial<Services> = { ...overrides.services };
  const made = fixture({ ...overrides, services });
  const told = auditor({ ...options, write }, made.services);
  Object.assign(made.services.auditor, told);
  return { ...made, events };
}

const everything = parsePolicy(`
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: RequestResponse
  omitManagedFields: true
`);

test("a write is told of when it was answered, a read is not", async () => {
  const { send, events } = setUp();
  const headers = { "audit-id": "my-id", "user-agent": "kubectl" };
  await send({ method: "POST", url: widgetPath, body: widget("a"), headers });
  await send({ url: widgetPath });
  expect(events).toEqual([
    {
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "Metadata",
      auditID: "my-id",
      stage: "ResponseComplete",
      requestURI: widgetPath,
      verb: "create",
      user: { username: "ada", groups: ["system:authenticated"] },
      sourceIPs: ["memory"],
      userAgent: "kubectl",
      objectRef: {
        resource: "widgets",
        namespace: "ns",
        name: "a",
        uid: "uid-1",
        apiGroup: "test.example.com",
        apiVersion: "v1",
      },
      responseStatus: { metadata: {}, code: 201 },
      requestReceivedTimestamp: expect.stringMatching(/^2026-01-02T03:04:0\d\.\d{6}Z$/),
      stageTimestamp: "2026-01-02T03:04:05.000000Z",
      annotations: { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "" },
    },
  ]);
});

test("a refused write says why", async () => {
  const { send, events } = setUp({}, { allow: () => false });
  await send({ method: "DELETE", url: `${widgetPath}/a` });
  expect(events).toMatchObject([
    {
      verb: "delete",
      responseStatus: {
        status: "Failure",
        reason: "Forbidden",
        code: 403,
        message: expect.stringContaining("cannot delete"),
      },
      annotations: { "authorization.k8s.io/decision": "forbid" },
    },
  ]);
});

test("with bodies: what was sent, what was answered, secrets hidden", async () => {
  const { send, events } = setUp({ policy: everything });
  await send({ method: "POST", url: widgetPath, body: { ...widget("a"), password: "hunter2" } });
  expect(events).toMatchObject([
    {
      level: "RequestResponse",
      requestObject: { kind: "Widget", password: "[redacted]" },
      responseObject: { kind: "Widget", metadata: { name: "a" } },
    },
  ]);
  expect(JSON.stringify(events)).not.toMatch(/hunter2|managedFields/);
});

test("a watch is told of when it begins and when it ends", async () => {
  const { send, events } = setUp({ policy: everything });
  await send({ url: `${widgetPath}?watch=true&timeoutSeconds=1` });
  expect(events.map(({ stage, verb }) => [stage, verb])).toEqual([
    ["ResponseStarted", "watch"],
    ["ResponseComplete", "watch"],
  ]);
});

test("who was acted as and who did it are both told", async () => {
  const { send, events } = setUp({ policy: everything });
  await send({ url: widgetPath, headers: { "impersonate-user": "bob" } });
  expect(events).toMatchObject([{ user: { username: "ada" }, impersonatedUser: { username: "bob" } }]);
});

test("a caller nobody knows is told of", async () => {
  const { send, events } = setUp(
    { policy: everything },
    {
      services: {
        authenticators: [
          () => {
            throw Object.assign(new Error("bad"), { code: 401 });
          },
        ],
      },
    },
  );
  await send({ url: widgetPath });
  expect(events).toMatchObject([{ user: { username: "system:anonymous" }, responseStatus: { code: 500 } }]);
});

test("annotations of admission stand in the event", async () => {
  const { send, events } = setUp(
    {},
    {
      services: {
        admission: [{ name: "p", validate: (ctx) => ctx.addAuditAnnotation("p/why", "because") }],
      },
    },
  );
  await send({ method: "POST", url: widgetPath, body: widget("a") });
  expect(events).toMatchObject([{ annotations: { "p/why": "because" } }]);
});

test("a log that cannot be written changes nothing for the client", async () => {
  const made = fixture();
  const told = auditor(
    {
      write: () => {
        throw new Error("full");
      },
    },
    made.services,
  );
  Object.assign(made.services.auditor, told);
  const { status } = await made.send({ method: "POST", url: widgetPath, body: widget("a") });
  expect(status).toBe(201);
  expect(made.lines.some(({ msg }) => msg === "a request could not be audited")).toBe(true);
});
