import { expect, test } from "@jest/globals";
import { serverMetrics } from "../observing.ts";
import { fixture, widget, widgetPath } from "../testing/fixture.ts";

function setUp() {
  const metrics = serverMetrics();
  const { send } = fixture({ services: { observer: metrics.observer } });
  const series = async (name: string) =>
    (await metrics.metrics.render()).split("\n").filter((line) => line.startsWith(`${name}{`));
  return { send, series, all: () => metrics.metrics.render() };
}

test("a client cannot make series by inventing paths, verbs, subresources or names", async () => {
  const { send, all } = setUp();
  const lines = async () => (await all()).split("\n").filter((line) => line.startsWith("apiserver_request")).length;
  const ask = async (word: string) => {
    await send({ url: `/${word}` });
    await send({ url: `/healthz/${word}` });
    await send({ url: `/apis/${word}/v1/widgets` });
    await send({ url: `/apis/test.example.com/${word}/widgets` });
    await send({ url: `/apis/test.example.com/v1/namespaces/${word}/${word}` });
    await send({ url: `${widgetPath}/${word}` });
    await send({ url: `${widgetPath}/a/${word}` });
    await send({ method: word, url: widgetPath });
  };
  await ask("first");
  const before = await lines();
  for (let at = 0; at < 50; at++) await ask(`x${at}`);
  expect(await lines()).toBe(before);
});

test("requests are counted by verb, resource and code; nothing is under way at the end", async () => {
  const { send, series } = setUp();
  await send({ method: "POST", url: `${widgetPath}?dryRun=All`, body: widget("a") });
  await send({ url: `${widgetPath}/a` });
  await send({ url: widgetPath });
  await send({ url: `${widgetPath}?watch=true&timeoutSeconds=1` });
  const target = 'group="test.example.com",version="v1",resource="widgets",subresource=""';
  expect(await series("apiserver_request_total")).toEqual([
    `apiserver_request_total{verb="POST",${target},scope="resource",dry_run="All",code="201",component="apiserver"} 1`,
    `apiserver_request_total{verb="GET",${target},scope="resource",dry_run="",code="404",component="apiserver"} 1`,
    `apiserver_request_total{verb="LIST",${target},scope="namespace",dry_run="",code="200",component="apiserver"} 1`,
    `apiserver_request_total{verb="WATCH",${target},scope="namespace",dry_run="",code="200",component="apiserver"} 1`,
  ]);
  const idle = [
    ...(await series("apiserver_current_inflight_requests")),
    ...(await series("apiserver_longrunning_requests")),
  ];
  expect(idle.map((line) => line.split(" ").at(-1))).toEqual(["0", "0", "0"]);
  const flow = 'priority_level="global-default",flow_schema="global-default"';
  expect(await series("apiserver_flowcontrol_dispatched_requests_total")).toEqual([
    `apiserver_flowcontrol_dispatched_requests_total{${flow},component="apiserver"} 4`,
  ]);
  expect(await series("apiserver_flowcontrol_current_executing_seats")).toEqual([
    `apiserver_flowcontrol_current_executing_seats{${flow},component="apiserver"} 0`,
  ]);
  const durations = await series("apiserver_request_duration_seconds_count");
  expect(durations.map((line) => /verb="(\w+)"/.exec(line)?.[1])).toEqual(["POST", "GET", "LIST"]);
});
