import { expect, test } from "@jest/globals";
import { grantCommands } from "./grant-commands.ts";

const wide = { resource: "clusterpolicies.kyverno.io", scope: "Cluster" } as const;
const inside = { resource: "policies.kyverno.io", scope: "Namespaced" } as const;

/** Long lines again. */
const unwrapped = (commands: string) =>
  commands
    .replaceAll(" \\\n  ", " ")
    .replace(/(krate-read-hooks-[a-z0-9-]+)-[a-z0-9]+(?= |$)/gm, "$1")
    .split("\n");

test("what lives in the cluster is granted in the cluster, what lives in a namespace there", () => {
  const wider = { ...wide, resource: "validatingpolicies.policies.kyverno.io" };
  expect(unwrapped(grantCommands([wide, inside, wider], { user: "alice", namespace: "krate-org-demo" }))).toEqual([
    "kubectl create clusterrole krate-read-hooks-alice --verb=get,list,watch --resource=clusterpolicies.kyverno.io --resource=validatingpolicies.policies.kyverno.io",
    "kubectl create clusterrolebinding krate-read-hooks-alice --clusterrole=krate-read-hooks-alice --user='alice'",
    "kubectl create role krate-read-hooks-alice --namespace=krate-org-demo --verb=get,list,watch --resource=policies.kyverno.io",
    "kubectl create rolebinding krate-read-hooks-alice --namespace=krate-org-demo --role=krate-read-hooks-alice --user='alice'",
  ]);
});

test("a later grant of something else has another name, and the same grant the same", () => {
  const nameOf = (...sources: (typeof wide | typeof inside)[]) =>
    /krate-read-hooks-\S+/.exec(grantCommands(sources, { user: "alice", namespace: "n" }))?.[0];
  expect(nameOf(wide)).toBe(nameOf(wide));
  expect(nameOf(inside)).not.toBe(nameOf(wide));
});

test("nothing to grant is no command", () => {
  expect(grantCommands([], { user: "alice", namespace: "n" })).toBe("");
});

test.each([
  ["system:serviceaccount:ci:bot", "krate-read-hooks-system-serviceaccount-ci-bot", "--serviceaccount=ci:bot"],
  [
    "https://idp.example.org#Ada O'Hara",
    "krate-read-hooks-https-idp-example-org-ada-o-hara",
    `--user='https://idp.example.org#Ada O'\\''Hara'`,
  ],
  ["'", "krate-read-hooks-person", `--user=''\\'''`],
])("%s is named so that a shell and Kubernetes accept it", (user, name, subject) => {
  expect(unwrapped(grantCommands([wide], { user, namespace: "n" }))[1]).toBe(
    `kubectl create clusterrolebinding ${name} --clusterrole=${name} ${subject}`,
  );
});
