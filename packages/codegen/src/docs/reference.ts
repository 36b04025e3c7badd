import { apiVersionOf, type Kind } from "@krate/kinds";
import { categoriesOf, columnsOf } from "../crd.ts";
import { type Field, fieldsOf, isImmutable, typeName } from "../fields.ts";
import { kebabCase } from "../file-name.ts";
import { type Generator, generatedNotice, type OutputFile } from "../output-file.ts";
import { type StructuralSchema, structuralSchema } from "../structural-schema.ts";
import { code, section, table } from "./markdown.ts";

/** Samples of each kind, by kind, as YAML text. */
export type Samples = ReadonlyMap<string, readonly string[]>;

/** `docs/reference/<kind>.md` and the index of them. */
export function referenceDocs(samples: Samples): Generator {
  return (kinds) => [index(kinds), ...kinds.map((kind) => page(kind, samples.get(kind.kind) ?? []))];
}

function index(kinds: readonly Kind[]): OutputFile {
  const rows = (storage: Kind["storage"]) =>
    kinds
      .filter((kind) => kind.storage === storage)
      .map((kind) => [
        `[${kind.kind}](${kebabCase(kind.kind)}.md)`,
        code(kind.plural),
        (kind.shortNames ?? []).map(code).join(" "),
        kind.description,
      ]);
  const header = ["kind", "plural", "short", "what it is"];
  return markdownFile("docs/reference/README.md", [
    "# Reference of all kinds",
    "`kubectl get krate` lists objects of every kind; `kubectl explain <kind>.spec` says what is written here.",
    section(
      "Configuration: `krate.a5c.ai/v1alpha1`",
      "Custom resources, stored by the cluster's API server.",
      table(header, rows("etcd")),
    ),
    section(
      "Records: `forge.krate.a5c.ai/v1alpha1`",
      "Served by krate-apiserver from Postgres.",
      table(header, rows("postgres")),
    ),
  ]);
}

function page(kind: Kind, samples: readonly string[]): OutputFile {
  const spec = structuralSchema(kind.spec);
  const status = structuralSchema(kind.status);
  return markdownFile(`docs/reference/${kebabCase(kind.kind)}.md`, [
    `# ${kind.kind}`,
    kind.description,
    names(kind),
    section("Spec", fieldTable(spec, "spec")),
    rules(spec),
    section("Status", fieldTable(status, "status")),
    conditions(kind),
    subresources(kind),
    section("Columns of `kubectl get`", columns(kind)),
    selection(kind),
    section("Who may do what", roles(kind)),
    section("Example", ...samples.map((sample) => `\`\`\`yaml\n${sample.trimEnd()}\n\`\`\``)),
  ]);
}

function names(kind: Kind): string {
  return table(
    ["", ""],
    [
      ["apiVersion", code(apiVersionOf(kind))],
      ["resource", code(`${kind.plural}.${kind.group}`)],
      ["short names", (kind.shortNames ?? []).map(code).join(" ") || "none"],
      ["categories", categoriesOf(kind).map(code).join(" ")],
      ["scope", kind.scope],
      ["stored in", kind.storage],
      ...(kind.retentionDays === undefined ? [] : [["kept", `${kind.retentionDays} days`]]),
      ...(kind.appendOnly ? [["changes", "never after create"]] : []),
    ],
  );
}

function fieldTable(schema: StructuralSchema, path: string): string {
  return table(
    ["field", "type", "meaning"],
    fieldsOf(schema, path).map((field) => [
      code(field.path.slice(path.length + 1)),
      typeName(field.schema),
      [...remarks(field, schema, path), field.schema.description ?? "", ...bounds(field.schema)]
        .filter((text) => text !== "")
        .join(" "),
    ]),
  );
}

function remarks(field: Field, root: StructuralSchema, path: string): string[] {
  const { schema } = field;
  const name = field.path.slice(path.length + 1);
  return [
    ...(field.required ? ["**Required.**"] : []),
    ...(!name.includes(".") && isImmutable(root, name) ? ["**Immutable.**"] : []),
    ...(schema.enum ? [`One of ${schema.enum.map((value) => code(String(value))).join(", ")}.`] : []),
    ...(schema.default !== undefined ? [`Default ${code(JSON.stringify(schema.default))}.`] : []),
  ];
}

function bounds(schema: StructuralSchema): string[] {
  const parts = [
    schema.minimum !== undefined && schema.minimum !== 0 ? `at least ${schema.minimum}` : "",
    schema.maximum !== undefined ? `at most ${schema.maximum}` : "",
    schema.maxItems !== undefined ? `at most ${schema.maxItems} entries` : "",
    schema.type === "string" && schema.maxLength !== undefined && !schema.enum
      ? `at most ${schema.maxLength} characters`
      : "",
  ].filter((part) => part !== "");
  return parts.length === 0 ? [] : [`(${parts.join(", ")})`];
}

/** Rules over several fields; rules of single fields are the remark Immutable or part of the description. */
function rules(spec: StructuralSchema): string {
  const messages = (spec["x-kubernetes-validations"] ?? [])
    .map(({ message }) => message)
    .filter((message) => !/^\w+ is immutable$/.test(message));
  return messages.length === 0 ? "" : section("Rules", messages.map((message) => `- ${message}`).join("\n"));
}

function conditions(kind: Kind): string {
  const rows = Object.entries(kind.conditions ?? {}).map(([type, { description, reasons, negative }]) => [
    code(type),
    `${description}${negative ? " True is bad news." : ""}`,
    reasons.map(code).join(" "),
  ]);
  return rows.length === 0 ? "" : section("Conditions", table(["type", "True means", "reasons"], rows));
}

function subresources(kind: Kind): string {
  const rows = Object.entries(kind.subresources ?? {}).map(([name, { description, verbs }]) => [
    code(`${kind.plural}/${name}`),
    verbs.join(", "),
    description,
  ]);
  return rows.length === 0 ? "" : section("Subresources", table(["subresource", "verbs", "what it is"], rows));
}

function columns(kind: Kind): string {
  return table(
    ["column", "field", ""],
    columnsOf(kind).map(({ name, jsonPath, priority, description }) => [
      name,
      code(jsonPath),
      [priority ? "only with `-o wide`." : "", description ?? ""].filter((text) => text !== "").join(" "),
    ]),
  );
}

function selection(kind: Kind): string {
  const fields = (kind.selectableFields ?? []).map((path) => `- \`--field-selector ${path.slice(1)}=…\``);
  const labels = Object.entries(kind.mirroredLabels ?? {}).map(
    ([label, path]) => `- \`-l ${label}=…\` follows \`${path}\``,
  );
  const lines = [...fields, ...labels];
  return lines.length === 0 ? "" : section("Selection", lines.join("\n"));
}

function roles(kind: Kind): string {
  const verbs = (list: readonly string[] | undefined) => list?.join(", ") || "nothing";
  return table(
    ["role", "verbs"],
    [
      ["everybody signed in", verbs(kind.roles.authenticated)],
      ["developers", verbs(kind.roles.developers)],
      ["repository admins", verbs(kind.roles.repoAdmins)],
      ["platform engineers", "everything"],
    ],
  );
}

function markdownFile(path: string, parts: string[]): OutputFile {
  const body = parts.filter((part) => part !== "").join("\n\n");
  return { path, content: `<!-- ${generatedNotice} -->\n\n${body}\n` };
}
