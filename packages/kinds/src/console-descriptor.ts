/** One field of a form. `help` is the description of `kubectl explain`. */
export interface ConsoleField {
  name: string;
  type: string;
  help: string;
  required: boolean;
  immutable: boolean;
  values?: string[];
  default?: unknown;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  maxItems?: number;
  /** Fields of an object, of a list's items, or of a map's values. */
  fields?: ConsoleField[];
}

/** What the console knows of a kind; written by codegen into `console.generated.ts`. */
export interface ConsoleDescriptor {
  kind: string;
  group: string;
  version: string;
  plural: string;
  singular: string;
  scope: string;
  storage: string;
  description: string;
  columns: { name: string; type: string; jsonPath: string; description?: string; priority?: number }[];
  selectableFields: string[];
  fields: ConsoleField[];
  rules: string[];
  conditions: Record<string, { description: string; reasons: string[]; negative: boolean }>;
  sample: string;
}
