import { expect, test } from "@jest/globals";
import { Job, PullRequest } from "@krate/kinds";
import { createCommand, getCommands, listCommands, patchCommand } from "./commands.ts";
import { toYaml, yamlTokens } from "./yaml.ts";

test("resources carry their group: a Job is not batch's", () => {
  expect(getCommands(Job, "ns", "x")[0]?.text).toBe("kubectl get jobs.forge.krate.a5c.ai x -n ns");
  expect(listCommands(PullRequest, "ns", "spec.repository=a")[0]?.text).toBe(
    "kubectl get pullrequests.forge.krate.a5c.ai -n ns --field-selector spec.repository=a",
  );
});

test("a quote inside a patch survives the shell", () => {
  expect(patchCommand(PullRequest, "ns", "x", { spec: { title: "it's" } })).toBe(
    `kubectl patch pullrequests.forge.krate.a5c.ai x -n ns --type=merge -p '{"spec":{"title":"it'\\''s"}}'`,
  );
  expect(createCommand("a: 1\n")).toBe("kubectl create -f - <<'EOF'\na: 1\nEOF");
});

test("YAML leaves out what only the server keeps, and its colours change no character", () => {
  const text = toYaml({
    apiVersion: "v1",
    kind: "K",
    metadata: { name: "n", managedFields: [{}] },
    spec: { on: true, text: "a\nb" },
  } as object);
  expect(text).toBe("apiVersion: v1\nkind: K\nmetadata:\n  name: n\nspec:\n  on: true\n  text: |-\n    a\n    b\n");
  expect(
    yamlTokens(text)
      .map((token) => token.text)
      .join(""),
  ).toBe(`${text}\n`);
});
