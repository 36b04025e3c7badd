/** What a container is started with: its command and environment, as a kubelet would make them. Pure. */
import type { PodType } from "@krate/kinds";

export type Container = NonNullable<PodType["spec"]>["containers"][number];
type EnvVar = NonNullable<Container["env"]>[number];

/** Values of ConfigMaps and Secrets, read beforehand. */
export type KeyReader = (source: "configMap" | "secret", name: string, key: string) => string | undefined;

export class ContainerConfigError extends Error {
  override name = "ContainerConfigError";
}

/** `$(NAME)` of known variables; `$$` is a dollar sign. Source: k8s.io/kubernetes/third_party/forked/golang/expansion. */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^()]*)\)/g, (match, name: string | undefined) =>
    name === undefined ? "$" : (variables[name] ?? match),
  );
}

/** @throws ContainerConfigError for a reference that leads nowhere */
export function containerEnvironment(pod: PodType, container: Container, read: KeyReader): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const variable of container.env ?? []) {
    const value = valueOfVariable(pod, variable, read, variables);
    if (value !== undefined) variables[variable.name] = value;
  }
  return variables;
}

function valueOfVariable(
  pod: PodType,
  { name, value, valueFrom }: EnvVar,
  read: KeyReader,
  variables: Record<string, string>,
): string | undefined {
  if (!valueFrom) return expand(value ?? "", variables);
  if (valueFrom.fieldRef) return fieldOf(pod, valueFrom.fieldRef.fieldPath, name);
  const [source, reference] = valueFrom.secretKeyRef
    ? (["secret", valueFrom.secretKeyRef] as const)
    : (["configMap", valueFrom.configMapKeyRef] as const);
  if (!reference)
    throw new ContainerConfigError(
      `env ${name}: a process node knows value, fieldRef, secretKeyRef and configMapKeyRef only`,
    );
  const found = read(source, reference.name ?? "", reference.key);
  if (found === undefined && !reference.optional)
    throw new ContainerConfigError(`env ${name}: there is no key ${reference.key} in ${source} ${reference.name}`);
  return found;
}

function fieldOf(pod: PodType, path: string, name: string): string {
  const { metadata = {}, spec } = pod;
  const mapped = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (mapped) return metadata[mapped[1] as "labels" | "annotations"]?.[mapped[2] as string] ?? "";
  const fields: Record<string, string | undefined> = {
    "metadata.name": metadata.name,
    "metadata.namespace": metadata.namespace,
    "metadata.uid": metadata.uid,
    "spec.nodeName": spec?.nodeName,
    "spec.serviceAccountName": spec?.serviceAccountName,
  };
  if (!(path in fields))
    throw new ContainerConfigError(`env ${name}: field ${path} is not one of ${Object.keys(fields).join(", ")}`);
  return fields[path] ?? "";
}

/** @throws ContainerConfigError when there is none: a process node has no images to take one from */
export function commandOf(container: Container, variables: Readonly<Record<string, string>>): string[] {
  const command = [...(container.command ?? []), ...(container.args ?? [])].map((word) => expand(word, variables));
  if (!container.command?.length)
    throw new ContainerConfigError(`container ${container.name} has no command, and a process node runs no images`);
  return command;
}
