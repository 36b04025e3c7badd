/**
 * What the console needs to list, show and edit objects of a kind without knowing it: the columns of `kubectl get`, form
 * fields with help and bounds, conditions, a sample. Written as a module of plain data, so that no schema library is loaded.
 */
import type { ConsoleDescriptor, ConsoleField, Kind } from "@krate/kinds";
import { columnsOf } from "./crd.ts";
import type { Samples } from "./docs/reference.ts";
import { isImmutable, typeName } from "./fields.ts";
import { type Generator, generatedNotice } from "./output-file.ts";
import { type StructuralSchema, structuralSchema } from "./structural-schema.ts";

/** The descriptor of one kind. */
export function consoleDescriptorOf(kind: Kind, sample: string): ConsoleDescriptor {
  const spec = structuralSchema(kind.spec);
  return {
    kind: kind.kind,
    group: kind.group,
    version: kind.version,
    plural: kind.plural,
    singular: kind.singular,
    scope: kind.scope,
    storage: kind.storage,
    description: kind.description,
    columns: columnsOf(kind),
    selectableFields: [...(kind.selectableFields ?? [])],
    fields: formFields(spec),
    rules: (spec["x-kubernetes-validations"] ?? []).map(({ message }) => message),
    conditions: Object.fromEntries(
      Object.entries(kind.conditions ?? {}).map(([type, { description, reasons, negative }]) => [
        type,
        { description, reasons: [...reasons], negative: negative ?? false },
      ]),
    ),
    sample,
  };
}

function formFields(parent: StructuralSchema): ConsoleField[] {
  return Object.entries(parent.properties ?? {}).map(([name, schema]) => {
    const inner = schema.items ?? schema.additionalProperties ?? schema;
    const fields = formFields(inner);
    const values = (inner.enum ?? schema.enum) as string[] | undefined;
    return {
      name,
      type: typeName(schema),
      help: schema.description ?? "",
      required: parent.required?.includes(name) ?? false,
      immutable: isImmutable(parent, name),
      ...(values && { values }),
      ...(schema.default !== undefined && { default: schema.default }),
      ...(schema.pattern !== undefined && { pattern: schema.pattern }),
      ...(schema.minimum !== undefined && { minimum: schema.minimum }),
      ...(schema.maximum !== undefined && { maximum: schema.maximum }),
      ...(schema.maxLength !== undefined && { maxLength: schema.maxLength }),
      ...(schema.maxItems !== undefined && { maxItems: schema.maxItems }),
      ...(fields.length > 0 && { fields }),
    };
  });
}

/** `packages/kinds/src/console.generated.ts`, imported as `@krate/kinds/console`. */
export function consoleModule(samples: Samples): Generator {
  return (kinds) => {
    const descriptors = Object.fromEntries(
      kinds.map((kind) => [kind.kind, consoleDescriptorOf(kind, samples.get(kind.kind)?.[0] ?? "")]),
    );
    const content = [
      `// ${generatedNotice}`,
      'import type { ConsoleDescriptor } from "./console-descriptor.ts";',
      "",
      'export type { ConsoleDescriptor, ConsoleField } from "./console-descriptor.ts";',
      "",
      "/** By kind. */",
      `export const consoleDescriptors: Record<string, ConsoleDescriptor> = ${JSON.stringify(descriptors, null, 2)};`,
      "",
    ].join("\n");
    return [{ path: "packages/kinds/src/console.generated.ts", content }];
  };
}
