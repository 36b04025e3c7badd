/** Beside a real kube-apiserver: the same names with the same labels, and health checks that read the same. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { Secret } from "@krate/kinds";
import { type KubeClient, kubeClient, loadKubeConfig } from "@krate/kube";
import { skipWithout, withControlPlane } from "@krate/testing";
import { type RealServer, realServer } from "../testing/real-server.ts";

jest.setTimeout(120_000);

/** Ours alone. */
const own = /^(?:krate_|process_|nodejs_)/;
/** Names that kube-apiserver shows only when it is set up for it. */
const conditional: ReadonlySet<string> = new Set([
  "apiserver_audit_level_total", // with an audit policy
]);

/** What dashboards and alerts are made of. */
const promised = [
  "apiserver_request_total",
  "apiserver_request_duration_seconds",
  "apiserver_response_sizes",
  "apiserver_current_inflight_requests",
  "apiserver_longrunning_requests",
  "apiserver_watch_events_total",
  "apiserver_watch_events_sizes",
  "apiserver_audit_event_total",
  "apiserver_flowcontrol_dispatched_requests_total",
  "apiserver_flowcontrol_current_executing_requests",
  "apiserver_flowcontrol_current_executing_seats",
  "apiserver_flowcontrol_current_inqueue_requests",
  "apiserver_flowcontrol_nominal_limit_seats",
  "apiserver_flowcontrol_request_wait_duration_seconds",
  "apiserver_flowcontrol_work_estimated_seats",
  "authentication_attempts",
  "authenticated_user_requests",
  "authorization_attempts_total",
  "process_cpu_seconds_total",
  "process_resident_memory_bytes",
  "process_start_time_seconds",
];

skipWithout("envtest")("metrics and health", () => {
  const controlPlane = withControlPlane();
  let server: RealServer;
  let ours: KubeClient;
  let theirs: KubeClient;

  beforeAll(async () => {
    server = await realServer();
    ours = kubeClient(await loadKubeConfig(server.kubeconfig), { userAgent: "test" });
    theirs = kubeClient(await loadKubeConfig(controlPlane().kubeconfig), { userAgent: "test" });
  });
  afterAll(async () => {
    await ours.close();
    await theirs.close();
    await server.stop();
  });

  /** One of everything that leaves a trace. */
  async function use(client: KubeClient): Promise<void> {
    const metadata = { namespace: "default", name: `metrics-${process.pid}` };
    await client.create(Secret, { metadata, data: {} });
    const { items } = await client.list(Secret, { namespace: "default" });
    expect(items.length).toBeGreaterThan(0);
    for await (const _event of client.watch(Secret, {
      namespace: "default",
      sendInitialEvents: true,
      timeoutSeconds: 1,
    }));
    await client.delete(Secret, metadata);
    const person = client.as({ user: "somebody", groups: ["system:authenticated"] });
    await expect(person.list(Secret, { namespace: "default" })).rejects.toMatchObject({ code: 403 });
  }

  async function labelsOf(client: KubeClient): Promise<Map<string, Set<string>>> {
    const text = await (await client.raw({ path: "/metrics" })).text();
    const found = new Map<string, Set<string>>();
    for (const [, name, labels = ""] of text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? /gm)) {
      const family = String(name).replace(/_(?:bucket|sum|count)$/, "");
      const known = found.get(family) ?? new Set();
      for (const [, label] of labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) known.add(String(label));
      found.set(family, known);
    }
    return found;
  }

  test("every name is kube-apiserver's, with its labels, or begins with krate_", async () => {
    await use(ours);
    await use(theirs);
    const [mine, real] = [await labelsOf(ours), await labelsOf(theirs)];
    const wrong: string[] = [];
    for (const [name, labels] of mine) {
      if (own.test(name) || conditional.has(name)) continue;
      const expected = real.get(name);
      // `component` says in all of ours which program speaks; kube-apiserver has it in some.
      const without = (set: Set<string>) => [...set].filter((label) => label !== "component" && label !== "le").sort();
      if (expected === undefined) wrong.push(`${name} is unknown to kube-apiserver`);
      else if (String(without(labels)) !== String(without(expected))) {
        wrong.push(`${name} has ${without(labels)}, kube-apiserver's ${without(expected)}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(promised.filter((name) => !mine.has(name))).toEqual([]);
  });

  test("values mean the same: what the same requests leave behind", async () => {
    const series = async (client: KubeClient) => {
      const text = await (await client.raw({ path: "/metrics" })).text();
      const of = text.split("\n").filter((line) => /^apiserver_request_total\{.*resource="secrets"/.test(line));
      const described = of.map((line) =>
        Object.fromEntries([...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [k, v])),
      );
      return (
        described
          // Refused by authorization: kube-apiserver counts that in authorization_attempts_total only.
          .filter(({ code }) => code !== "403")
          .map(({ component: _component, ...labels }) => JSON.stringify(labels, Object.keys(labels).sort()))
      );
    };
    const real = new Set(await series(theirs));
    const missing = (await series(ours)).filter((each) => !real.has(each));
    expect(missing).toEqual([]);
  });

  const paths = [
    "/livez",
    "/readyz",
    "/healthz",
    "/readyz/ping",
    "/livez/ping",
    "/healthz/nothing",
    "/readyz?exclude=no-such",
  ];
  test.each(paths)("%s answers the same", async (path) => {
    const answer = async (client: KubeClient) => {
      try {
        const response = await client.raw({ path });
        return [response.status, response.headers["content-type"], await response.text()];
      } catch (error) {
        return [(error as { code: number }).code, (error as Error).message];
      }
    };
    expect(await answer(ours)).toEqual(await answer(theirs));
  });

  test("verbose checks read the same, check by check", async () => {
    const shape = async (client: KubeClient) => {
      const text = await (await client.raw({ path: "/readyz?verbose&exclude=ping&exclude=no-such" })).text();
      const lines = text.split("\n").map((line) => line.replace(/^(\[\+\])(?!ping)\S+ ok$/, "$1x ok"));
      return lines.filter((line, at) => line !== lines[at - 1]);
    };
    expect(await shape(ours)).toEqual((await shape(theirs)).filter((line) => !line.includes("poststarthook")));
  });
});
