/** A Kubernetes API for bookmarks. README.md has what to type. */
import { parseArgs } from "node:util";
import { defineKind, type Storage, serve, serveBehind } from "@krate/apiserver";

const Bookmark = defineKind({
  group: "example.com",
  version: "v1",
  kind: "Bookmark",
  shortNames: ["bm"],
  description: "A page worth coming back to.",
  spec: {
    type: "object",
    required: ["url"],
    properties: {
      url: {
        type: "string",
        description: "Where the page is.",
        maxLength: 2000,
        pattern: "^https?://",
        "x-kubernetes-validations": [
          { rule: "self == oldSelf", message: "a bookmark keeps its page: make another one" },
        ],
      },
      stars: { type: "integer", description: "How good it is.", minimum: 1, maximum: 5, default: 3 },
      tags: { type: "array", "x-kubernetes-list-type": "set", maxItems: 20, items: { type: "string", maxLength: 40 } },
    },
  },
  status: { type: "object", properties: { addedBy: { type: "string" } } },
  columns: [
    { name: "URL", type: "string", jsonPath: ".spec.url" },
    { name: "Stars", type: "integer", jsonPath: ".spec.stars" },
    { name: "Added by", type: "string", jsonPath: ".status.addedBy", priority: 1 },
  ],
  selectableFields: ["spec.stars"],
  strategy: {
    prepareForCreate: (ctx, bookmark) => {
      bookmark["status"] = { addedBy: ctx.user.name };
    },
    warnings: ({ spec }) => (JSON.stringify(spec).includes("http://") ? ["spec.url: https would be better"] : []),
  },
});

const { values } = parseArgs({
  options: {
    storage: { type: "string", default: "embedded" },
    folder: { type: "string", default: ".bookmarks" },
    behind: { type: "string" },
  },
});
const options = { kinds: [Bookmark], folder: values.folder, storage: values.storage as Storage };
const { kubeconfigFile, stop } =
  values.behind === undefined ? await serve(options) : await serveBehind({ ...options, kubeconfigFile: values.behind });
console.log(`export KUBECONFIG=${kubeconfigFile}`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop());
