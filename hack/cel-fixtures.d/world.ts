/** The variables that the expressions of the fixtures may use; the Go program and the suite read them alike. */

/** `self` in rules of a schema: every type a structural schema can give, and names that CEL must escape. */
const schema = {
  type: "object",
  properties: {
    name: { type: "string" },
    replicas: { type: "integer" },
    long: { type: "integer", format: "int64" },
    ratio: { type: "number" },
    enabled: { type: "boolean" },
    created: { type: "string", format: "date-time" },
    day: { type: "string", format: "date" },
    wait: { type: "string", format: "duration" },
    payload: { type: "string", format: "byte" },
    port: { "x-kubernetes-int-or-string": true },
    free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    items: {
      type: "array",
      items: {
        type: "object",
        properties: { key: { type: "string" }, value: { type: "integer" }, note: { type: "string" } },
      },
    },
    tags: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
    pairs: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["key"],
      items: { type: "object", properties: { key: { type: "string" }, value: { type: "integer" } } },
    },
    labels: { type: "object", additionalProperties: { type: "string" } },
    counts: { type: "object", additionalProperties: { type: "integer" } },
    nested: { type: "object", properties: { deep: { type: "object", properties: { leaf: { type: "string" } } } } },
    missing: { type: "string" },
    maybe: { type: "string", nullable: true },
    "with-dash": { type: "string" },
    "with.dot": { type: "string" },
    "with/slash": { type: "string" },
    with__underscores: { type: "string" },
    namespace: { type: "string" },
    in: { type: "string" },
  },
};

const self = {
  name: "web",
  replicas: 3,
  long: 9007199254740991,
  ratio: 2,
  enabled: true,
  created: "2024-02-29T12:34:56.789Z",
  day: "2024-03-01",
  wait: "1h30m",
  payload: "aGVsbG8=",
  port: "http",
  free: { anything: [1, { b: "c" }] },
  items: [
    { key: "a", value: 1 },
    { key: "b", value: 2, note: "x" },
    { key: "c", value: 3 },
  ],
  tags: ["x", "y", "z"],
  pairs: [
    { key: "one", value: 1 },
    { key: "two", value: 2 },
  ],
  labels: { app: "web", "a.b/c": "d" },
  counts: { one: 1, two: 2 },
  nested: { deep: { leaf: "green" } },
  "with-dash": "dash",
  "with.dot": "dot",
  "with/slash": "slash",
  with__underscores: "underscores",
  namespace: "shop",
  in: "side",
};

const object = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: {
    name: "web-1",
    namespace: "shop",
    labels: { app: "web", "team.example.com/name": "red" },
    annotations: {},
    finalizers: ["a.example.com/x", "b.example.com/y"],
  },
  spec: {
    replicas: 3,
    paused: false,
    ratio: 1.5,
    nothing: null,
    template: {
      containers: [
        {
          name: "app",
          image: "registry.example.com/app:1.2.3",
          ports: [80, 443],
          resources: { limits: { cpu: "500m" } },
        },
        { name: "side", image: "side:latest", ports: [] },
      ],
    },
  },
};

const request = {
  kind: { group: "apps", version: "v1", kind: "Deployment" },
  resource: { group: "apps", version: "v1", resource: "deployments" },
  subResource: "",
  requestKind: { group: "apps", version: "v1", kind: "Deployment" },
  requestResource: { group: "apps", version: "v1", resource: "deployments" },
  requestSubResource: "",
  name: "web-1",
  namespace: "shop",
  operation: "UPDATE",
  userInfo: { username: "jane", uid: "42", groups: ["devs", "system:authenticated"], extra: { scopes: ["a", "b"] } },
  dryRun: false,
  options: { kind: "UpdateOptions" },
};

const namespaceObject = {
  metadata: {
    name: "shop",
    labels: { env: "prod" },
    annotations: {},
    creationTimestamp: { $ts: "2024-01-01T00:00:00Z" },
    resourceVersion: "7",
  },
  spec: { finalizers: ["kubernetes"] },
  status: { phase: "Active" },
};

/** `""` for the types of variables that Kubernetes itself declares. */
const variables = [
  { name: "object", type: "dyn", value: object },
  { name: "oldObject", type: "dyn", value: null },
  { name: "params", type: "dyn", value: { max: 5, names: ["a", "b"] } },
  { name: "request", type: "", value: request },
  { name: "namespaceObject", type: "", value: namespaceObject },
  { name: "i", type: "int", value: { $i: "5" } },
  { name: "n", type: "int", value: { $i: "-3" } },
  { name: "z", type: "int", value: { $i: "0" } },
  { name: "big", type: "int", value: { $i: "9223372036854775807" } },
  { name: "u", type: "uint", value: { $u: "7" } },
  { name: "d", type: "double", value: { $d: "1.5" } },
  { name: "nan", type: "double", value: { $d: "NaN" } },
  { name: "t", type: "bool", value: true },
  { name: "f", type: "bool", value: false },
  { name: "s", type: "string", value: "hello" },
  { name: "e", type: "string", value: "" },
  { name: "w", type: "string", value: "grüße 😀 welt" },
  { name: "long", type: "string", value: "abcdefghij".repeat(40) },
  { name: "y", type: "bytes", value: { $b: "aGVsbG8=" } },
  { name: "ts", type: "timestamp", value: { $ts: "2024-02-29T12:34:56.789012345Z" } },
  { name: "du", type: "duration", value: { $du: "5400000000000" } },
  { name: "li", type: "list<int>", value: [3, 1, 2] },
  { name: "ls", type: "list<string>", value: ["b", "a", "c"] },
  { name: "ld", type: "list<double>", value: [{ $d: "0.5" }, { $d: "-2" }] },
  { name: "lm", type: "list<map<string, int>>", value: [{ $m: [["a", 1]] }, { $m: [["b", 2]] }] },
  { name: "ll", type: "list<list<int>>", value: [[1, 2], [], [3]] },
  { name: "none", type: "list<int>", value: [] },
  { name: "hundred", type: "list<int>", value: Array.from({ length: 100 }, (_, index) => index) },
  { name: "ms", type: "map<string, string>", value: { $m: [["k", "v"]] } },
  {
    name: "mi",
    type: "map<int, string>",
    value: {
      $m: [
        [{ $i: "1" }, "one"],
        [{ $i: "2" }, "two"],
      ],
    },
  },
  { name: "os", type: "optional<string>", value: { $o: ["there"] } },
  { name: "on", type: "optional<string>", value: { $o: [] } },
  { name: "om", type: "optional<map<string, int>>", value: { $o: [{ $m: [["a", 1]] }] } },
  { name: "x", type: "dyn", value: { $i: "5" } },
  { name: "xs", type: "dyn", value: "text" },
  { name: "xl", type: "dyn", value: [1, "two", { three: 3 }, null, 4.5] },
  { name: "xm", type: "dyn", value: { a: 1, b: { c: [1, 2] }, "d-e": true } },
  { name: "xnull", type: "dyn", value: null },
];

export const world = { schema, self, variables };
