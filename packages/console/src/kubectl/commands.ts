/** The kubectl commands that do what a page shows. Resources are written with their group: `jobs` alone is another kind. */
import { type KindRef, resourceNameOf } from "@krate/kinds";

export interface Command {
  label: string;
  text: string;
}

/** Reads of one object. */
export function getCommands(kind: KindRef, namespace: string, name: string): Command[] {
  const target = `${resourceNameOf(kind)} ${name} -n ${namespace}`;
  return [
    { label: "Show", text: `kubectl get ${target}` },
    { label: "YAML", text: `kubectl get ${target} -o yaml` },
    { label: "Follow", text: `kubectl get ${target} --watch` },
    { label: "Explain", text: `kubectl explain ${resourceNameOf(kind)}.spec` },
  ];
}

/** A list, with the selector a page uses. */
export function listCommands(kind: KindRef, namespace: string, fieldSelector?: string): Command[] {
  const selector = fieldSelector ? ` --field-selector ${fieldSelector}` : "";
  const target = `${resourceNameOf(kind)} -n ${namespace}${selector}`;
  return [
    { label: "List", text: `kubectl get ${target}` },
    { label: "Follow", text: `kubectl get ${target} --watch` },
  ];
}

/** A merge patch of one object, as a form's button sends it. */
export function patchCommand(kind: KindRef, namespace: string, name: string, patch: object): string {
  return `kubectl patch ${resourceNameOf(kind)} ${name} -n ${namespace} --type=merge -p ${quoted(JSON.stringify(patch))}`;
}

/** An object made from standard input, as a form's button makes it. */
export function createCommand(yaml: string): string {
  return `kubectl create -f - <<'EOF'\n${yaml.trimEnd()}\nEOF`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
