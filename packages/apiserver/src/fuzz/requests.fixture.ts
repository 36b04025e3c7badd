/** Requests that nobody sends on purpose: every part of a request, each time a little or altogether wrong. */
import fc from "fast-check";
import type { MemoryRequest } from "../http/memory-exchange.ts";
import { body } from "./bodies.fixture.ts";

/** Words that mean something somewhere, and some that should not. */
const word = fc.constantFrom(
  ...[
    "a",
    "b",
    "default",
    "status",
    "scale",
    "log",
    "finalize",
    "namespaces",
    "configmaps",
    "secrets",
    "pods",
    "gizmos",
    "issues",
  ],
  ...[
    "customresourcedefinitions",
    "validatingadmissionpolicies",
    "subjectaccessreviews",
    "",
    ".",
    "..",
    "%00",
    "%2e%2e",
    "%ff",
    "__proto__",
  ],
  ...["constructor", "metadata", "spec", "v1", "A_b", "x".repeat(300), "💥", "name with blanks", "*"],
);

const collections = [
  "/api/v1/namespaces",
  "/api/v1/namespaces/default/configmaps",
  "/api/v1/namespaces/default/secrets",
  "/api/v1/namespaces/default/pods",
  "/api/v1/namespaces/default/serviceaccounts",
  "/api/v1/nodes",
  "/apis/fuzz.example.com/v1/namespaces/default/gizmos",
  "/apis/forge.krate.a5c.ai/v1alpha1/namespaces/default/issues",
  "/apis/forge.krate.a5c.ai/v1alpha1/namespaces/default/pullrequests",
  "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
  "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
  "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
  "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
  "/apis/rbac.authorization.k8s.io/v1/clusterroles",
  "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
  "/apis/authorization.k8s.io/v1/subjectaccessreviews",
  "/apis/authentication.k8s.io/v1/tokenreviews",
  "/apis/coordination.k8s.io/v1/namespaces/default/leases",
];
const others = [
  "/",
  "/api",
  "/apis",
  "/openapi/v2",
  "/openapi/v3",
  "/openapi/v3/api/v1",
  "/version",
  "/livez",
  "/readyz",
  "/metrics",
];

const name = fc.oneof(
  { weight: 3, arbitrary: fc.constant("/a") },
  { weight: 1, arbitrary: word.map((each) => `/${each}`) },
);
const resourcePath = fc
  .tuple(
    fc.constantFrom(...collections),
    fc.oneof({ weight: 2, arbitrary: fc.constant("") }, { weight: 3, arbitrary: name }),
    fc.oneof({ weight: 5, arbitrary: fc.constant("") }, { weight: 1, arbitrary: word.map((each) => `/${each}`) }),
  )
  .map((parts) => parts.join(""));
const anyPath = fc.array(word, { maxLength: 7 }).map((parts) => `/${parts.join("/")}`);
const path = fc.oneof(
  { weight: 8, arbitrary: resourcePath },
  { weight: 1, arbitrary: fc.constantFrom(...others) },
  { weight: 1, arbitrary: anyPath },
);

const selectorText = fc.oneof(
  fc.constantFrom(
    "a=b",
    "a in (b,c)",
    "!a",
    "a,b",
    "a>1",
    "a notin ()",
    "((((",
    "=",
    "a=b=c",
    ",,,",
    "spec.color=red",
    "metadata.name=a",
    "a\\=b=c",
  ),
  fc
    .array(fc.constantFrom("a", "in", "notin", "(", ")", ",", "=", "!", ">", "<", " ", "\\", "é", "\u0000"), {
      maxLength: 30,
    })
    .map((parts) => parts.join("")),
);
const number = fc.constantFrom("0", "1", "-1", "5", "500", "1e9", "99999999999999999999", "abc", "", "0x10", "NaN");
const continueToken = fc.oneof(
  fc.base64String({ maxLength: 60 }),
  fc.constantFrom(
    "WzEsIjEiLCIiLCJhIiwtMSwiIl0",
    Buffer.from('[1,"1","","a",1,"x"]').toString("base64url"),
    "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ",
  ),
);
const bool = fc.constantFrom("true", "false", "1", "0", "maybe", "");
const parameter: Record<string, fc.Arbitrary<string>> = {
  labelSelector: selectorText,
  fieldSelector: selectorText,
  limit: number,
  continue: continueToken,
  resourceVersion: number,
  resourceVersionMatch: fc.constantFrom("Exact", "NotOlderThan", "", "Near"),
  // A watch ends by itself only with a time.
  timeoutSeconds: fc.constantFrom("1", "abc", "-1"),
  allowWatchBookmarks: bool,
  sendInitialEvents: bool,
  dryRun: fc.constantFrom("All", "", "Some"),
  fieldManager: fc.oneof(word, fc.string({ maxLength: 10 })),
  fieldValidation: fc.constantFrom("Strict", "Warn", "Ignore", "Maybe"),
  force: bool,
  gracePeriodSeconds: number,
  propagationPolicy: fc.constantFrom("Orphan", "Foreground", "Background", "Sideways"),
  includeObject: fc.constantFrom("None", "Object", "Metadata", "What"),
  pretty: bool,
  hash: word,
  container: word,
};
const query = fc
  .array(
    fc
      .constantFrom(...Object.keys(parameter))
      .chain((name) => (parameter[name] as fc.Arbitrary<string>).map((value) => [name, value] as const)),
    { maxLength: 4 },
  )
  .map((pairs) =>
    pairs.length === 0 ? "" : `?${pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&")}`,
  );
const brokenQuery = fc.constantFrom("?%", "?=&&&=", `?a=${"b".repeat(5000)}`, "?labelSelector=%ff", "?limit");

const contentType = fc.constantFrom(
  ...[
    "application/json",
    "application/yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
  ],
  ...[
    "application/apply-patch+yaml",
    "application/vnd.kubernetes.protobuf",
    "application/cbor",
    "text/html",
    "",
    "application/json;charset=\u00e4",
    ";;;",
  ],
);
const accept = fc.constantFrom(
  ...[
    "application/json",
    "application/yaml",
    "*/*",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/vnd.kubernetes.protobuf",
  ],
  ...[
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
  ],
  ...["text/html", "", "a;q=x,b;q=-1", ",".repeat(3000), "application/json;as=;v=;g=", "application/cbor"],
);
const hostileHeaders = fc.record(
  {
    accept,
    "content-type": contentType,
    "accept-encoding": fc.constantFrom("gzip", "br", ""),
    "if-none-match": word,
    "impersonate-user": fc.constantFrom("bob", "", "system:serviceaccount:a:b:c"),
    "impersonate-group": word,
    "impersonate-extra-%zz": word,
    "x-remote-user": word,
    authorization: fc.constantFrom("Bearer x", "Basic !!", "Bearer", "", "Bearer a.b.c"),
    "user-agent": fc.oneof(word, fc.constant("x".repeat(5000))),
    "audit-id": fc.oneof(word, fc.constant("y".repeat(2000))),
  },
  { requiredKeys: [] },
);

const patchTypes = ["json-patch+json", "merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"];

/** Mostly such that the request gets as far as its body. */
function headersFor(method: string): fc.Arbitrary<Record<string, string | undefined>> {
  const types = method === "PATCH" ? patchTypes : ["json", "json", "yaml"];
  const plain = fc.record({ "content-type": fc.constantFrom(...types.map((type) => `application/${type}`)), accept });
  const sensible = plain.map(({ accept: _any, ...rest }) => ({ accept: "application/json", ...rest }));
  return fc.oneof(
    { weight: 7, arbitrary: sensible as fc.Arbitrary<Record<string, string | undefined>> },
    { weight: 2, arbitrary: plain as fc.Arbitrary<Record<string, string | undefined>> },
    { weight: 1, arbitrary: hostileHeaders as fc.Arbitrary<Record<string, string | undefined>> },
  );
}

const method = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE") },
  { weight: 1, arbitrary: fc.constantFrom("HEAD", "OPTIONS", "TRACE", "get") },
);

/** Any request; a watch among them ends after a second. */
export const hostileRequest: fc.Arbitrary<MemoryRequest> = method.chain((verb) =>
  fc
    .record({
      path,
      query: fc.oneof(
        { weight: 9, arbitrary: fc.constant("") },
        { weight: 9, arbitrary: query },
        { weight: 1, arbitrary: brokenQuery },
      ),
      watches: fc.constantFrom(...Array<boolean>(9).fill(false), true),
      headers: headersFor(verb),
      body: fc.option(body, { nil: undefined, freq: 9 }),
    })
    .map(({ path: at, query: asked, watches, headers: sent, body: content }) => ({
      method: verb,
      url:
        watches && verb === "GET"
          ? `${at}${asked === "" ? "?" : `${asked}&`}watch=true&timeoutSeconds=1`
          : `${at}${asked}`,
      headers: sent as Record<string, string>,
      ...(content !== undefined && verb !== "GET" && { body: content }),
    })),
);
