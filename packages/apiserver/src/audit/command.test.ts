import { expect, test } from "@jest/globals";
import { parseRequestInfo, type ResourceRequest } from "../request-info.ts";
import { type CommandInput, kubectlCommand, quote } from "./command.ts";

const base = "/apis/forge.krate.a5c.ai/v1alpha1/namespaces/acme/issues";

const cases: { method: string; path: string; type?: string; body?: CommandInput["body"]; command: string }[] = [
  {
    method: "POST",
    path: base,
    body: { kind: "Issue", metadata: { name: "a" }, spec: { title: "it's" } },
    command: `kubectl create -n acme -f - <<'EOF'\n{"kind":"Issue","metadata":{"name":"a"},"spec":{"title":"it's"}}\nEOF`,
  },
  {
    method: "POST",
    path: base,
    body: {
      kind: "Issue",
      metadata: { name: "a", annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{}", x: "y" } },
    },
    command: `kubectl apply -n acme -f - <<'EOF'\n{"kind":"Issue","metadata":{"name":"a","annotations":{"x":"y"}}}\nEOF`,
  },
  {
    method: "PUT",
    path: `${base}/a/status?dryRun=All`,
    body: { kind: "Issue" },
    command: `kubectl replace -n acme --subresource=status --dry-run=server -f - <<'EOF'\n{"kind":"Issue"}\nEOF`,
  },
  {
    method: "PATCH",
    path: `${base}/a`,
    type: "application/merge-patch+json",
    body: { spec: { title: "it's" } },
    command: `kubectl patch issues.forge.krate.a5c.ai a -n acme --type=merge -p '{"spec":{"title":"it'\\''s"}}'`,
  },
  {
    method: "PATCH",
    path: `${base}/a`,
    type: "application/json-patch+json",
    body: [{ op: "remove", path: "/spec/labels" }],
    command: `kubectl patch issues.forge.krate.a5c.ai a -n acme --type=json -p '[{"op":"remove","path":"/spec/labels"}]'`,
  },
  {
    method: "PATCH",
    path: `${base}/a?fieldManager=me&force=true`,
    type: "application/apply-patch+yaml",
    body: { kind: "Issue" },
    command: `kubectl apply -n acme --server-side --field-manager=me --force-conflicts -f - <<'EOF'\n{"kind":"Issue"}\nEOF`,
  },
  {
    method: "DELETE",
    path: `${base}/a`,
    body: { propagationPolicy: "Foreground", gracePeriodSeconds: 3 },
    command: "kubectl delete issues.forge.krate.a5c.ai a -n acme --cascade=foreground --grace-period=3",
  },
  { method: "DELETE", path: base, command: "kubectl delete issues.forge.krate.a5c.ai --all -n acme" },
  {
    method: "DELETE",
    path: `${base}?labelSelector=a%20in%20(b)&fieldSelector=spec.x%3Dy`,
    command: "kubectl delete issues.forge.krate.a5c.ai -l 'a in (b)' --field-selector=spec.x=y -n acme",
  },
  { method: "DELETE", path: "/api/v1/nodes/n", command: "kubectl delete nodes n" },
];
test.each(cases)("$method $path", ({ method, path, type = "application/json", body, command }) => {
  const [pathname = "", query = ""] = path.split("?");
  const params = new URLSearchParams(query);
  const target = parseRequestInfo(method, pathname, params) as ResourceRequest;
  expect(kubectlCommand({ target, name: target.name, params, contentType: type, body })).toBe(command);
});

test("a word can hold anything and stays one word", () => {
  expect(quote("a.b/c=d")).toBe("a.b/c=d");
  expect(quote("$(rm -rf /) `x` 'y'\n")).toBe("'$(rm -rf /) `x` '\\''y'\\''\n'");
  expect(quote("")).toBe("''");
});
