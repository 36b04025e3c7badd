import { describe, expect, it } from "@jest/globals";
import type { JsonObject } from "../json.ts";
import { humanDuration } from "./age.ts";
import { negotiateAccept } from "./negotiate.ts";
import { ageColumn, partialMetadataList, renderTable, tableConvertor } from "./table.ts";

const now = new Date("2026-11-24T12:00:00Z");
const pullRequest: JsonObject = {
  metadata: { name: "web-1", resourceVersion: "7", creationTimestamp: "2026-11-24T11:57:30Z" },
  spec: { title: "t", number: 3, merged: false, labels: ["a", "b"] },
  status: { conditions: [{ type: "Ready", status: "True" }] },
};

describe("renderTable", () => {
  const convertor = tableConvertor([
    { name: "Title", type: "string", jsonPath: ".spec.title" },
    { name: "Number", type: "integer", jsonPath: ".spec.number", priority: 1 },
    { name: "Merged", type: "boolean", jsonPath: ".spec.merged" },
    { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: "Labels", type: "string", jsonPath: ".spec.labels" },
    { name: "Missing", type: "string", jsonPath: ".spec.none" },
    { name: "Wrong", type: "integer", jsonPath: ".spec.title" },
    ageColumn,
  ]);

  it("gives cells by type, ages computed here, null where there is nothing", () => {
    const table = renderTable(convertor, [pullRequest], { now });
    expect(table.rows[0]?.cells).toEqual(["web-1", "t", 3, false, "True", '["a","b"]', null, null, "2m30s"]);
    expect(table.columnDefinitions?.map(({ name, type, priority }) => [name, type, priority]).slice(0, 3)).toEqual([
      ["Name", "string", 0],
      ["Title", "string", 0],
      ["Number", "integer", 1],
    ]);
    expect(table.metadata).toEqual({ resourceVersion: "7" });
  });

  it("includes what was asked for", () => {
    const row = (includeObject: "None" | "Metadata" | "Object") =>
      renderTable(convertor, [pullRequest], { now, includeObject }).rows[0]?.object;
    expect(row("None")).toBeNull();
    expect(row("Object")).toBe(pullRequest);
    expect(row("Metadata")).toEqual({
      kind: "PartialObjectMetadata",
      apiVersion: "meta.k8s.io/v1",
      metadata: pullRequest.metadata,
    });
  });

  it("shows Age for kinds without columns", () => {
    expect(tableConvertor([]).columnDefinitions.map(({ name }) => name)).toEqual(["Name", "Age"]);
  });

  it("reduces lists to metadata", () => {
    expect(partialMetadataList([pullRequest], { resourceVersion: "9" })).toMatchObject({
      kind: "PartialObjectMetadataList",
      metadata: { resourceVersion: "9" },
    });
  });
});

describe("humanDuration", () => {
  const second = 1000;
  const hour = 3600 * second;
  const day = 24 * hour;
  it.each([
    [-5 * second, "<invalid>"],
    [-1 * second, "0s"],
    [0, "0s"],
    [119 * second, "119s"],
    [120 * second, "2m"],
    [150 * second, "2m30s"],
    [179 * 60 * second, "179m"],
    [3 * hour, "3h"],
    [3 * hour + 60 * second, "3h1m"],
    [47 * hour, "47h"],
    [2 * day, "2d"],
    [2 * day + hour, "2d1h"],
    [8 * day + hour, "8d"],
    [729 * day, "729d"],
    [730 * day, "2y"],
    [731 * day, "2y1d"],
    [3650 * day, "10y"],
  ])("%i ms is %s", (milliseconds, text) => {
    expect(humanDuration(milliseconds)).toBe(text);
  });
});

describe("negotiateAccept", () => {
  it.each([
    [undefined, "application/json", "object"],
    ["*/*", "application/json", "object"],
    ["application/yaml", "application/yaml", "object"],
    [
      "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
      "application/json",
      "Table",
    ],
    ["application/vnd.kubernetes.protobuf,application/json", "application/json", "object"],
    [
      "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
      "application/json",
      "PartialObjectMetadataList",
    ],
    ["application/json;as=Table;v=v1beta1;g=meta.k8s.io, application/json", "application/json", "object"],
  ])("%p gives %s as %s", (accept, mediaType, as) => {
    expect(negotiateAccept(accept)).toEqual({ mediaType, as });
  });

  it("answers 406 when only other types are accepted", () => {
    expect(() => negotiateAccept("text/html")).toThrow(expect.objectContaining({ code: 406 }));
  });
});
