import { describe, expect, test } from "@jest/globals";
import { allKinds, type RoleVerbs } from "@krate/kinds";
import { parseAllDocuments } from "yaml";
import { generateProgramAccess, programObjects } from "./generate-programs.ts";
import { programs } from "./programs.ts";
import { generateRoles, rulesOfRole } from "./roles.ts";
import { mergeRules, type PolicyRule } from "./rules.ts";

const allows = (rules: readonly PolicyRule[], verb: string, group: string, resource: string) =>
  rules.some(
    (rule) =>
      (rule.verbs.includes(verb) || rule.verbs.includes("*")) &&
      rule.apiGroups.includes(group) &&
      (rule.resources.includes(resource) || rule.resources.includes("*")),
  );

describe("installed roles", () => {
  const config = "krate.a5c.ai";
  const records = "forge.krate.a5c.ai";
  test.each<[keyof RoleVerbs, string, string, string, boolean, string]>([
    ["authenticated", "list", config, "repositories", true, "ID-05: everybody reads"],
    ["authenticated", "watch", records, "pullrequests", true, "ID-05: everybody watches"],
    ["authenticated", "create", records, "issues", false, "ID-05: everybody only reads"],
    ["authenticated", "list", records, "auditevents", false, "the activity log is for admins"],
    ["authenticated", "list", records, "webhookdeliveries", false, "payloads and answers are not for everybody"],
    ["authenticated", "get", config, "repositories/content", false, "visibility is decided per repository"],
    ["developers", "create", records, "pullrequests", true, "PER-01"],
    ["developers", "update", records, "reviews", true, "PER-01"],
    ["developers", "create", records, "pipelines", true, "PER-01"],
    ["developers", "create", records, "jobs", true, "PER-01; admission accepts only runner-operator (C-25)"],
    ["developers", "create", config, "repositories", false, "PER-01"],
    ["developers", "create", config, "branchprotections", false, "PER-01"],
    ["developers", "update", config, "repositories/content", true, "developers push"],
    ["developers", "update", config, "repositories/admin", false, "developers do not bypass protection"],
    ["developers", "get", records, "jobs/log", true, "developers debug runs"],
    ["developers", "update", records, "jobs/log", false, "only runner-operator stores logs"],
    ["developers", "update", records, "pullrequests/status", false, "status is written by controllers"],
    ["repoAdmins", "create", config, "repositories", true, "PER-02"],
    ["repoAdmins", "create", config, "refpolicies", true, "PER-02"],
    ["repoAdmins", "create", config, "views", true, "PER-02"],
    ["repoAdmins", "create", records, "webhookdeliveries", true, "PER-02: replay"],
    ["repoAdmins", "update", config, "repositories/admin", true, "PER-02: settings and bypass"],
    ["repoAdmins", "create", config, "runnerpools", false, "PER-03: pools are the platform's"],
    ["repoAdmins", "create", records, "gitevents", false, "events are history"],
  ])("%s may %s %s/%s: %s (%s)", (role, verb, group, resource, expected) => {
    expect(allows(rulesOfRole(allKinds, role), verb, group, resource)).toBe(expected);
  });

  test("every role is a ClusterRole bound to its group", () => {
    const objects = parseAllDocuments(generateRoles(allKinds)[0]?.content ?? "").map((document) => document.toJS());
    const groups = objects.flatMap(({ subjects }) => subjects ?? []).map(({ name }: { name: string }) => name);
    expect(groups).toEqual([
      "system:authenticated",
      "krate:developers",
      "krate:repo-admins",
      "krate:platform-engineers",
    ]);
  });
});

describe("programs", () => {
  const writersOf = (group: string, resource: string, verb: string) =>
    Object.entries(programs)
      .filter(([, access]) => allows(access.cluster, verb, group, resource))
      .map(([program]) => program);

  test.each([
    ["forge.krate.a5c.ai", "jobs", "create", ["runner-operator"]],
    ["forge.krate.a5c.ai", "jobs/log", "update", ["runner-operator"]],
    ["forge.krate.a5c.ai", "gitevents", "create", ["git-gateway"]],
    ["forge.krate.a5c.ai", "webhookdeliveries", "create", ["webhook-dispatcher"]],
    ["forge.krate.a5c.ai", "pullrequests", "patch", ["repository-operator"]],
    ["krate.a5c.ai", "repositories/admin", "update", ["repository-operator"]],
    ["krate.a5c.ai", "refpolicies", "patch", ["refpolicy-compiler"]],
    ["krate.a5c.ai", "agentstacks/status", "patch", ["agent-stack-controller"]],
    ["", "users", "impersonate", ["console"]],
    ["", "serviceaccounts/token", "create", ["process-node"]],
  ])("of %s %s: %s only by %j", (group, resource, verb, expected) => {
    expect(writersOf(group, resource, verb)).toEqual(expected);
  });

  test("no program has a wildcard for verbs, and none writes admission or RBAC but for the bindings agents get", () => {
    const rules = Object.values(programs).flatMap(({ cluster, platform }) => [...cluster, ...(platform ?? [])]);
    expect(rules.filter(({ verbs }) => verbs.includes("*"))).toEqual([]);
    expect(writersOf("admissionregistration.k8s.io", "validatingadmissionpolicies", "create")).toEqual([]);
    expect(writersOf("rbac.authorization.k8s.io", "rolebindings", "create")).toEqual(["agent-stack-controller"]);
    expect(writersOf("rbac.authorization.k8s.io", "clusterroles", "create")).toEqual([]);
  });

  test("every resource of Krate in the table exists", () => {
    const known = new Set(allKinds.map(({ group, plural }) => `${group}/${plural}`));
    const named = Object.values(programs)
      .flatMap(({ cluster }) => cluster)
      .flatMap(({ apiGroups, resources }) =>
        apiGroups.flatMap((group) => resources.map((resource) => `${group}/${resource.split("/")[0] ?? ""}`)),
      )
      .filter((resource) => resource.includes("krate.a5c.ai/"));
    expect(named.filter((resource) => !known.has(resource))).toEqual([]);
  });

  test("a controller gets a Role in the platform namespace, a program without state does not", () => {
    const kindsOf = (program: string) =>
      programObjects(program, programs[program] ?? { cluster: [] }).map((object) => (object as { kind: string }).kind);
    expect(kindsOf("runner-operator")).toEqual([
      "ServiceAccount",
      "ClusterRole",
      "ClusterRoleBinding",
      "Role",
      "RoleBinding",
    ]);
    expect(kindsOf("console")).toEqual(["ServiceAccount", "ClusterRole", "ClusterRoleBinding"]);
    expect(generateProgramAccess([]).map(({ path }) => path)).toContain("deploy/rbac/git-gateway.yaml");
  });
});

test("rules of equal groups and verbs are one rule, rules without verbs none", () => {
  const rule = (resource: string, verbs: string[]): PolicyRule => ({ apiGroups: ["g"], resources: [resource], verbs });
  expect(mergeRules([rule("b", ["get"]), rule("a", ["get"]), rule("c", ["list"]), rule("d", [])])).toEqual([
    { apiGroups: ["g"], resources: ["a", "b"], verbs: ["get"] },
    { apiGroups: ["g"], resources: ["c"], verbs: ["list"] },
  ]);
});
