/**
 * Status by server-side apply. An apply states everything its manager wants, so what the controller set earlier and does
 * not mention now has to be stated again; what that is stands in the object's own managedFields.
 * Source: Kubernetes "Server-Side Apply"; FieldsV1 (`f:` a field, `k:` a list member by its keys).
 */
import { type Condition, type ConditionInput, type KubernetesObject, mergeConditions } from "@krate/kinds";
import { equalJson } from "./equal.ts";

type Fields = Record<string, unknown>;

export interface StatusChange {
  fieldManager: string;
  status?: Fields;
  conditions?: readonly ConditionInput[];
  /** Condition types to drop if this manager set them. */
  dropConditions?: readonly string[];
  now: string;
}

/** What `fieldManager` has to apply as `status`, or undefined when the object says all of it already. */
export function plannedStatus(object: KubernetesObject, change: StatusChange): Fields | undefined {
  const current = (statusOf(object) ?? {}) as Fields & { conditions?: Condition[] };
  const owned = ownedStatus(object, change.fieldManager);
  const drop = new Set(change.dropConditions ?? []);
  const ownConditions = (current.conditions ?? []).filter(({ type }) => owned.conditions.has(type) && !drop.has(type));
  const touched = change.status !== undefined || (change.conditions?.length ?? 0) > 0;
  const generation = object.metadata?.generation;
  const generationField = touched && generation !== undefined ? { observedGeneration: generation } : {};

  const fields: Fields = {};
  for (const name of owned.fields) if (current[name] !== undefined) fields[name] = current[name];
  Object.assign(fields, change.status, generationField);
  const removed = Object.keys(change.status ?? {}).filter((name) => change.status?.[name] === undefined);
  for (const name of removed) delete fields[name];

  // A type another manager set keeps its transition time too.
  const mentioned = new Set((change.conditions ?? []).map(({ type }) => type));
  const known = (current.conditions ?? []).filter(({ type }) => mentioned.has(type) && !owned.conditions.has(type));
  const conditions = mergeConditions([...ownConditions, ...known], change.conditions ?? [], {
    now: change.now,
    ...generationField,
  });

  const fieldsSame = Object.entries(fields).every(([name, value]) => equalJson(value, current[name]));
  const noneRemoved = removed.every((name) => !owned.fields.has(name) || current[name] === undefined);
  const conditionsSame = conditions.every((condition) =>
    equalJson(
      condition,
      current.conditions?.find(({ type }) => type === condition.type),
    ),
  );
  const noneDropped = ![...owned.conditions].some(
    (type) => drop.has(type) && current.conditions?.some((c) => c.type === type),
  );
  if (fieldsSame && noneRemoved && conditionsSame && noneDropped) return undefined;
  return { ...fields, ...(conditions.length > 0 && { conditions }) };
}

function statusOf(object: KubernetesObject): Fields | undefined {
  return (object as { status?: Fields }).status;
}

/** Top-level status fields and condition types `fieldManager` owns by apply. */
export function ownedStatus(
  object: KubernetesObject,
  fieldManager: string,
): { fields: Set<string>; conditions: Set<string> } {
  const fields = new Set<string>();
  const conditions = new Set<string>();
  for (const entry of object.metadata?.managedFields ?? []) {
    if (entry.manager !== fieldManager || entry.operation !== "Apply" || entry.subresource !== "status") continue;
    const status = ((entry.fieldsV1 ?? {}) as Fields)["f:status"] as Fields | undefined;
    for (const [name, below] of Object.entries(status ?? {})) {
      if (name === "f:conditions") {
        for (const member of Object.keys(below as Fields)) {
          if (member.startsWith("k:")) conditions.add((JSON.parse(member.slice(2)) as { type: string }).type);
        }
      } else if (name.startsWith("f:")) fields.add(name.slice(2));
    }
  }
  return { fields, conditions };
}

/** Keeps of `managedFields` only what `ownedStatus` of these managers reads: the rest is half of an object's memory. */
export function keepOwnManagedFields(managers: ReadonlySet<string>) {
  return <T extends KubernetesObject>(object: T): T => {
    const metadata = object.metadata;
    if (!metadata?.managedFields) return object;
    const own = metadata.managedFields.filter(
      ({ manager, subresource }) => subresource === "status" && managers.has(manager ?? ""),
    );
    if (own.length > 0) metadata.managedFields = own;
    else delete metadata.managedFields;
    return object;
  };
}
