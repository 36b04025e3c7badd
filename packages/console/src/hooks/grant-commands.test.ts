import { expect, test } from "@jest/globals";
import { grantCommands } from "./grant-commands.ts";

const wide = { resource: "clusterpolicies.kyverno.io", scope: "Cluster" } as const;
const inside = { resource: "policies.kyverno.io", scope: "Namespaced" } as const;

test("what lives in the cluster is granted in the cluster, what lives in a namespace there", () => {
  expect(grantCommands([wide, inside], { user: "alice", namespace: "krate-org-demo" }).split("\n")).toEqual([
    "kubectl create clusterrole krate-read-hooks-alice --verb=get,list,watch --resource=clusterpolicies.kyverno.io",
    "kubectl create clusterrolebinding krate-read-hooks-alice --clusterrole=krate-read-hooks-alice --user='alice'",
    "kubectl create role krate-read-hooks-alice -n krate-org-demo --verb=get,list,watch --resource=policies.kyverno.io",
    "kubectl create rolebinding krate-read-hooks-alice -n krate-org-demo --role=krate-read-hooks-alice --user='alice'",
  ]);
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
  expect(grantCommands([wide], { user, namespace: "n" }).split("\n")[1]).toBe(
    `kubectl create clusterrolebinding ${name} --clusterrole=${name} ${subject}`,
  );
});
