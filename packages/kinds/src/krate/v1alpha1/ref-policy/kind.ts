import { defineConfigKind } from "../../../define-kind.ts";
import {
  atomicList,
  commonStatus,
  integer,
  labelSelector,
  listMap,
  nameOf,
  oneOf,
  organizationRef,
  setOf,
  subject,
  Type,
  text,
  time,
  withRules,
} from "../../../schema.ts";

/** Everything a rule can be; the first four are what the documents name. */
export const refPolicyRuleTypes = [
  "require-signed-commits",
  "block-force-push",
  "require-linear-history",
  "deny-ref",
  "deny-deletion",
  "max-object-size",
  "commit-message-pattern",
  "path-lock",
  "wasm",
] as const;

const params = Type.Object(
  {
    maxBytes: Type.Optional(integer("max-object-size: largest object allowed, bytes.", { minimum: 1 })),
    pattern: Type.Optional(
      text(1024, "commit-message-pattern: regular expression (RE2) every new commit message must match.", {
        minLength: 1,
      }),
    ),
    paths: Type.Optional(
      setOf(text(1024, "A path or glob in the tree.", { minLength: 1 }), {
        maxItems: 100,
        description: "path-lock: paths no push may change.",
      }),
    ),
  },
  { description: "Settings of the rule's type." },
);

const wasm = Type.Object(
  {
    module: withRules(
      Type.Object(
        {
          image: Type.Optional(
            text(1024, "Registry and name of the OCI image of which the module is a layer.", { minLength: 1 }),
          ),
          objectRef: Type.Optional(
            text(1024, "configmap/<name>/<key>: binaryData of a ConfigMap in this namespace.", { minLength: 1 }),
          ),
          digest: Type.String({
            pattern: "^sha256:[0-9a-f]{64}$",
            maxLength: 71,
            description: "Digest of the module; another module is never run.",
          }),
        },
        { description: "Where the WebAssembly module is." },
      ),
      {
        rule: "has(self.image) != has(self.objectRef)",
        message: "exactly one of image and objectRef must be specified",
      },
    ),
    hook: Type.Optional(
      oneOf(["pre-receive", "update", "post-receive"], {
        description: "When the module runs; post-receive cannot refuse.",
        default: "pre-receive",
      }),
    ),
    timeoutMs: Type.Optional(integer("Longest run, milliseconds.", { minimum: 1, maximum: 10000, default: 500 })),
    memoryMiB: Type.Optional(integer("Memory limit, MiB.", { minimum: 1, maximum: 512, default: 64 })),
    failure: Type.Optional(
      oneOf(["Deny", "Allow"], { description: "What a trap or time-out means.", default: "Deny" }),
    ),
  },
  { description: "A sandboxed module: no network, no files, no environment." },
);

const rule = withRules(
  Type.Object(
    {
      name: Type.String({
        minLength: 1,
        maxLength: 63,
        pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        description: "Name of the rule, shown when it refuses.",
      }),
      type: oneOf(refPolicyRuleTypes, { description: "What the rule checks." }),
      refs: Type.Optional(
        atomicList(
          text(255, "A full ref name or a glob: `*` matches within one path segment, `**` across segments.", {
            minLength: 1,
          }),
          { maxItems: 64, description: "Refs the rule applies to; every ref when absent." },
        ),
      ),
      mode: Type.Optional(
        oneOf(["audit", "enforce"], {
          description: "audit: the violation is recorded and the push passes; enforce: the update is refused.",
          default: "enforce",
        }),
      ),
      message: Type.Optional(text(1024, "What the person who pushed is told, best with what to do.")),
      params: Type.Optional(params),
      bypass: Type.Optional(
        atomicList(subject("Somebody the rule does not apply to."), {
          maxItems: 50,
          description: "Who the rule does not apply to; every use is audited.",
        }),
      ),
      wasm: Type.Optional(wasm),
    },
    { description: "One rule." },
  ),
  {
    rule: "self.type != 'max-object-size' || (has(self.params) && has(self.params.maxBytes))",
    message: "params.maxBytes is required for type max-object-size",
    reason: "FieldValueRequired",
  },
  {
    rule: "self.type != 'commit-message-pattern' || (has(self.params) && has(self.params.pattern))",
    message: "params.pattern is required for type commit-message-pattern",
    reason: "FieldValueRequired",
  },
  {
    rule: "self.type != 'path-lock' || (has(self.params) && has(self.params.paths) && size(self.params.paths) > 0)",
    message: "params.paths is required for type path-lock",
    reason: "FieldValueRequired",
  },
  {
    rule: "(self.type == 'wasm') == has(self.wasm)",
    message: "wasm must be specified for type wasm and may not be specified for others",
  },
  {
    rule: "self.type != 'deny-ref' || (has(self.refs) && size(self.refs) > 0)",
    message: "refs is required for type deny-ref",
    reason: "FieldValueRequired",
  },
);

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      deny: Type.Optional(
        setOf(
          withRules(text(255, "A ref prefix.", { minLength: 1 }), {
            rule: "self.startsWith('refs/')",
            message: "must be a ref prefix such as refs/internal/",
          }),
          { maxItems: 64, description: "Ref prefixes nobody may write: short for rules of type deny-ref." },
        ),
      ),
      scope: Type.Optional(
        Type.Object(
          {
            repositories: Type.Optional(
              setOf(nameOf("Repository"), { maxItems: 1000, description: "Repositories, by name." }),
            ),
            selector: Type.Optional(labelSelector("Repositories, by their labels.")),
          },
          { description: "Repositories the policy applies to; the whole organization when absent." },
        ),
      ),
      rules: Type.Optional(
        listMap(rule, ["name"], { maxItems: 100, description: "The rules; all of them must allow an update." }),
      ),
      priority: Type.Optional(
        integer("Order in which refusals are told, lower first. It never changes a decision.", {
          minimum: -1000,
          maximum: 1000,
          default: 0,
        }),
      ),
    },
    { description: "Rules of the receive path." },
  ),
  {
    rule: "has(self.deny) || has(self.rules)",
    message: "at least one of deny and rules must be specified",
    reason: "FieldValueRequired",
  },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(
      oneOf(["Pending", "Active", "Stale", "Failed"], {
        description:
          "One-word summary; Stale: the last valid bundle stays active because this version does not compile.",
      }),
    ),
    compiled: Type.Optional(
      Type.Object(
        {
          hash: text(128, "Hash of the bundle."),
          at: time("When it was compiled."),
          generation: integer("metadata.generation that was compiled."),
          configMap: text(253, "ConfigMap that carries the bundle."),
          bytes: integer("Size of the bundle, bytes."),
        },
        { description: "Newest bundle this policy compiled into." },
      ),
    ),
    applied: Type.Optional(
      listMap(
        Type.Object(
          {
            backend: text(253, "Who enforces."),
            hash: text(128, "Hash of the bundle in use."),
            at: time("Since when."),
          },
          { description: "One enforcing process." },
        ),
        ["backend"],
        { maxItems: 100, description: "What each enforcing process has loaded." },
      ),
    ),
    ruleCount: Type.Optional(integer("Rules in force, one for each entry of deny included.")),
    rejectedToday: Type.Optional(integer("Refusals of all rules since midnight UTC.")),
    ruleStats: Type.Optional(
      listMap(
        Type.Object(
          {
            rule: text(63, "Name of the rule."),
            rejectedToday: integer("Refusals since midnight UTC."),
            rejected24h: integer("Refusals in the last 24 hours."),
            lastAt: Type.Optional(time("Newest refusal.")),
          },
          { description: "Counters of one rule." },
        ),
        ["rule"],
        { maxItems: 200, description: "Refusals per rule." },
      ),
    ),
    problems: Type.Optional(
      atomicList(text(1024, "A problem."), { maxItems: 20, description: "Why this version does not compile." }),
    ),
  },
  { description: "Observed policy." },
);

/** Declarative rules of the receive path (kinds.md §5.5, REF-04…REF-11). */
export const RefPolicy = defineConfigKind({
  kind: "RefPolicy",
  plural: "refpolicies",
  shortNames: ["rpol"],
  description: "Rules every push is judged by before a ref moves.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Rules", type: "integer", jsonPath: ".status.ruleCount" },
    { name: "Rejected today", type: "integer", jsonPath: ".status.rejectedToday" },
    { name: "Deny", type: "string", jsonPath: ".spec.deny", priority: 1 },
    { name: "Compiled", type: "date", jsonPath: ".status.compiled.at", priority: 1 },
    { name: "Hash", type: "string", jsonPath: ".status.compiled.hash", priority: 1 },
  ],
  selectableFields: [".status.phase"],
  conditions: {
    Compiled: {
      description: "This version is in the compiled bundle.",
      reasons: ["CompileSucceeded", "InvalidPattern", "WasmDigestMismatch", "WasmInvalid", "BundleTooLarge"],
    },
    Distributed: {
      description: "Every enforcing process has loaded the bundle.",
      reasons: ["AllBackendsCurrent", "WaitingForBackends"],
    },
    Stale: {
      description: "The active bundle is older than the spec.",
      reasons: ["CompileFailed", "Current"],
      negative: true,
    },
    Ready: { description: "The policy is enforced.", reasons: ["Active", "CompileFailed", "Pending"] },
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
});
