import type { KubernetesObject } from "@krate/kinds";
import { stringify } from "yaml";

/** YAML as `kubectl get -o yaml` prints it: without managedFields. */
export function toYaml(object: KubernetesObject): string {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { managedFields: _, ...shown } = metadata ?? {};
  return stringify({ apiVersion, kind, metadata: shown, ...rest }, { lineWidth: 0 });
}

export interface YamlToken {
  kind?: "key" | "string" | "scalar";
  text: string;
}

const keyLine = /^(\s*(?:- )*)((?:"[^"]*"|[^\s:#"'][^:]*):)(\s.*|$)/;
const scalar = /^\s*(-?\d[\d.eE+-]*|true|false|null|~)\s*$/;

/** Colours for reading: keys, text, and everything that is not text. Good for what `toYaml` writes, not for any YAML. */
export function yamlTokens(text: string): YamlToken[] {
  return text.split("\n").flatMap((line): YamlToken[] => {
    const match = keyLine.exec(line);
    if (!match) return [{ kind: "string", text: `${line}\n` }];
    const [, indent = "", key = "", value = ""] = match;
    return [
      { text: indent },
      { kind: "key", text: key },
      { kind: scalar.test(value) ? "scalar" : "string", text: `${value}\n` },
    ];
  });
}
