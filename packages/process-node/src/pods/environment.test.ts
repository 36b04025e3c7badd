import { expect, test } from "@jest/globals";
import { type Container, commandOf, containerEnvironment, expand } from "./environment.ts";

const nothing = () => undefined;
const pod = {
  metadata: { name: "build", namespace: "team", uid: "u1", labels: { "a/b": "label" } },
  spec: { nodeName: "node", containers: [] },
};

function container(fields: Partial<Container>): Container {
  return { name: "main", ...fields };
}

test.each([
  { text: "$(A)-x", result: "1-x", reason: "a known variable" },
  { text: "$(B)", result: "$(B)", reason: "an unknown one stays as it is" },
  { text: "$$(A)", result: "$(A)", reason: "two dollar signs are one" },
  { text: "$A ${A}", result: "$A ${A}", reason: "that is the shell's business" },
])("$text becomes $result: $reason", ({ text, result }) => {
  expect(expand(text, { A: "1" })).toBe(result);
});

test("variables may use earlier ones, fields of the Pod, Secrets and ConfigMaps", () => {
  const env = [
    { name: "A", value: "1" },
    { name: "B", value: "$(A)2" },
    { name: "UID_", valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } },
    { name: "LABEL", valueFrom: { fieldRef: { fieldPath: "metadata.labels['a/b']" } } },
    { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
    { name: "S", valueFrom: { secretKeyRef: { name: "s", key: "k" } } },
    { name: "C", valueFrom: { configMapKeyRef: { name: "c", key: "absent", optional: true } } },
  ];
  const read = (source: string, name: string, key: string) =>
    key === "absent" ? undefined : `${source}/${name}/${key}`;
  expect(containerEnvironment(pod, container({ env }), read)).toEqual({
    A: "1",
    B: "12",
    UID_: "u1",
    LABEL: "label",
    NODE: "node",
    S: "secret/s/k",
  });
});

test.each([
  { valueFrom: { secretKeyRef: { name: "s", key: "k" } }, reason: "the key is not there" },
  { valueFrom: { fieldRef: { fieldPath: "status.podIP" } }, reason: "a field the node does not know" },
  { valueFrom: { resourceFieldRef: { resource: "limits.cpu" } }, reason: "a process has no limits" },
])("a reference that leads nowhere names its variable: $reason", ({ valueFrom }) => {
  expect(() => containerEnvironment(pod, container({ env: [{ name: "LOST", valueFrom }] }), nothing)).toThrow("LOST");
});

test("command and arguments are one list in which variables are known", () => {
  expect(commandOf(container({ command: ["sh", "-c"], args: ["echo $(A)"] }), { A: "1" })).toEqual([
    "sh",
    "-c",
    "echo 1",
  ]);
});

test("a container without command is refused: there is no image to take one from", () => {
  expect(() => commandOf(container({ args: ["x"] }), {})).toThrow("has no command");
});
