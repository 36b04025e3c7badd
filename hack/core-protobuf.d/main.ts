/** Writes which field of a protobuf body has which JSON name, for the core kinds this server takes. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addGoTypes, type Messages, parseProto, reachable } from "./extract.ts";

const help = `hack/core-protobuf: regenerates packages/apiserver/src/protobuf/messages.generated.json

Reads generated.proto and types.go of the Kubernetes modules that hack/control-plane builds (Go's module cache). kubectl and client-go send core
kinds as protobuf; this is all the server needs to read them.

  --check    writes nothing; exit code 1 when the file is not what would be written
`;

const root = join(import.meta.dirname, "..", "..");
const target = join(root, "packages/apiserver/src/protobuf/messages.generated.json");
const modules = join(root, "hack/control-plane.d/modules/kubernetes");
/** Their schemas of schemas hold unions that have no protobuf form worth reading; nobody sends them so. */
const skipped = /apiextensions|kube-aggregator/;

function moduleFolder(name: string): string {
  return execFileSync("go", ["list", "-m", "-f", "{{.Dir}}", name], { cwd: modules, encoding: "utf8" }).trim();
}

function packageFolders(): string[] {
  const api = moduleFolder("k8s.io/api");
  const machinery = moduleFolder("k8s.io/apimachinery");
  const groups = [
    "apps",
    "core",
    "events",
    "coordination",
    "discovery",
    "rbac",
    "authentication",
    "authorization",
    "admissionregistration",
    "policy",
  ];
  return [
    ...groups.map((group) => join(api, group, "v1")),
    ...["pkg/apis/meta/v1", "pkg/runtime", "pkg/util/intstr", "pkg/api/resource"].map((path) => join(machinery, path)),
  ];
}

function readMessages(): Messages {
  const messages: Messages = {};
  for (const folder of packageFolders()) {
    const proto = join(folder, "generated.proto");
    if (!existsSync(proto)) throw new Error(`${proto} is not there`);
    const text = readFileSync(proto, "utf8");
    Object.assign(messages, parseProto(text));
    const packageName = /^package (\S+);/m.exec(text)?.[1] as string;
    for (const file of readdirSync(folder).filter((name) => /^(\w*types\w*|quantity|intstr)\.go$/.test(name))) {
      addGoTypes(messages, packageName, readFileSync(join(folder, file), "utf8"));
    }
  }
  return messages;
}

interface CoreSchemas {
  resources: { schema: string; subresources: { schema?: string }[] }[];
}

function rootNames(): string[] {
  const file = join(root, "packages/apiserver/src/core/schemas.generated.json");
  const { resources } = JSON.parse(readFileSync(file, "utf8")) as CoreSchemas;
  const schemas = resources.flatMap(({ schema, subresources }) => [
    schema,
    ...subresources.map((sub) => sub.schema ?? ""),
  ]);
  const names = schemas
    .filter((name) => name !== "" && !skipped.test(name))
    .map((name) => name.replace(/^io\.k8s\./, "k8s.io."));
  return [...new Set([...names, "k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions"])];
}

function generate(): string {
  const messages = reachable(readMessages(), rootNames());
  const lines = Object.entries(messages).map(([name, fields]) => ` ${JSON.stringify(name)}: ${JSON.stringify(fields)}`);
  return `{\n${lines.join(",\n")}\n}\n`;
}

if (process.argv.includes("--help")) {
  process.stdout.write(help);
  process.exit(0);
}
const text = generate();
if (!process.argv.includes("--check")) writeFileSync(target, text);
else if (readFileSync(target, "utf8") !== text) {
  process.stderr.write(`${target} is out of date: run hack/core-protobuf\n`);
  process.exit(1);
}
