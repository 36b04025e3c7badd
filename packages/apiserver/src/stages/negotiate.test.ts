import { expect, test } from "@jest/globals";
import { fixture, widget, widgetPath } from "../testing/fixture.ts";

const { send } = fixture();
const get = (accept: string) => send({ url: `${widgetPath}/a`, headers: { accept } });

test("the object, its Table, its metadata or YAML, as Accept says", async () => {
  await send({ method: "POST", url: widgetPath, body: widget("a") });
  const table = await get("application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
  expect(table.json).toMatchObject({ kind: "Table", rows: [{ cells: ["a", expect.any(String)] }] });
  const metadata = await get("application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io");
  expect(metadata.json).toMatchObject({ kind: "PartialObjectMetadata", metadata: { name: "a" } });
  expect((await get("application/yaml")).text).toContain("kind: Widget\n");
  expect((await get("application/vnd.kubernetes.protobuf,application/json")).json["kind"]).toBe("Widget");
  expect((await get("application/vnd.kubernetes.protobuf")).status).toBe(406);
});
