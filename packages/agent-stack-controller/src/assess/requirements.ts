/** Secrets and ConfigMaps a stack needs because of what it is put together from. Pure. */
import type { Stack, World } from "./world.ts";

export interface Requirement {
  name: string;
  /** Who needs it, for people. */
  by: string;
}

export function requiredSecrets(stack: Stack, world: World): Requirement[] {
  return collect(stack, world, {
    profile: ({ spec }) => spec.requiredSecretRefs,
    skill: ({ spec }) => spec.requiredSecretRefs,
    server: ({ spec }) => [
      ...(spec.secretRefs ?? []),
      ...(spec.envFrom ?? []).flatMap(({ secretRef }) => secretRef ?? []),
      ...Object.values(spec.headersFrom ?? {}).map(({ name }) => name),
    ],
  });
}

export function requiredConfig(stack: Stack, world: World): Requirement[] {
  return collect(stack, world, {
    profile: ({ spec }) => spec.requiredConfigRefs,
    skill: ({ spec }) => spec.requiredConfigRefs,
    server: ({ spec }) => [
      ...(spec.configMapRefs ?? []),
      ...(spec.envFrom ?? []).flatMap(({ configMapRef }) => configMapRef ?? []),
    ],
  });
}

type Names = readonly string[] | undefined;

function collect(
  { spec }: Stack,
  world: World,
  names: {
    profile: (profile: NonNullable<ReturnType<World["toolProfile"]>>) => Names;
    skill: (skill: NonNullable<ReturnType<World["skill"]>>) => Names;
    server: (server: NonNullable<ReturnType<World["mcpServer"]>>) => Names;
  },
): Requirement[] {
  const found: Requirement[] = [];
  const add = (list: Names, by: string) => {
    for (const name of list ?? []) if (!found.some((entry) => entry.name === name)) found.push({ name, by });
  };
  const profile = spec.toolProfileRef ? world.toolProfile(spec.toolProfileRef) : undefined;
  if (profile) add(names.profile(profile), `AgentToolProfile "${spec.toolProfileRef}"`);
  for (const name of spec.skillRefs ?? []) {
    const skill = world.skill(name);
    if (skill) add(names.skill(skill), `AgentSkill "${name}"`);
  }
  for (const name of spec.mcpServerRefs ?? []) {
    const server = world.mcpServer(name);
    if (server) add(names.server(server), `AgentMcpServer "${name}"`);
  }
  return found;
}
