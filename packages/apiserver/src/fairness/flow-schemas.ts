/**
 * Which requests compete with which: kube-apiserver's default FlowSchemas and PriorityLevelConfigurations, as a fixed table. They are not
 * objects of the API here. The first schema that matches decides; requests of one flow wait for one another, flows take turns.
 * Source: k8s.io/kubernetes/pkg/apis/flowcontrol/bootstrap/default.go.
 */
import { createHash } from "node:crypto";
import type { RequestContext } from "../context.ts";

export interface PriorityLevel {
  readonly name: string;
  /** Part of the seats this level is owed when all are busy, relative to the other levels. Undefined: never limited. */
  readonly shares: number | undefined;
}

export interface FlowSchema {
  readonly name: string;
  readonly level: PriorityLevel;
  /** The flow of a request within the schema. */
  flowOf(ctx: RequestContext): string;
  matches(ctx: RequestContext): boolean;
}

const level = (name: string, shares?: number): PriorityLevel => ({ name, shares });

const exempt = level("exempt");
const leaderElection = level("leader-election", 10);
const nodeHigh = level("node-high", 40);
const system = level("system", 30);
const workloadHigh = level("workload-high", 40);
const workloadLow = level("workload-low", 100);
// People: 20 shares in kube-apiserver, where most work is done by controllers. A forge is used by its people.
const globalDefault = level("global-default", 100);
const catchAll = level("catch-all", 5);

export const priorityLevels: readonly PriorityLevel[] = [
  exempt,
  leaderElection,
  nodeHigh,
  system,
  workloadHigh,
  workloadLow,
  globalDefault,
  catchAll,
];

const probePath = /^\/(?:healthz|livez|readyz)(?:\/|$)/;
const systemAccount = /^system:serviceaccount:(?:kube-system|krate-system):/;
const isIn = (ctx: RequestContext, group: string) => ctx.user.groups.includes(group);
const byUser = ({ user }: RequestContext) => user.name;
const byNamespace = ({ info }: RequestContext) => (info.isResource ? info.namespace : "");

/** Their order is their precedence. */
export const flowSchemas: readonly FlowSchema[] = [
  { name: "exempt", level: exempt, flowOf: byUser, matches: (ctx) => isIn(ctx, "system:masters") },
  {
    name: "probes",
    level: exempt,
    flowOf: byUser,
    matches: ({ info }) => !info.isResource && probePath.test(info.path),
  },
  {
    name: "system-leader-election",
    level: leaderElection,
    flowOf: byUser,
    matches: ({ info, user }) =>
      info.isResource && info.group === "coordination.k8s.io" && info.resource === "leases" && isSystem(user.name),
  },
  { name: "system-node-high", level: nodeHigh, flowOf: byUser, matches: isNodeHealth },
  { name: "system-nodes", level: system, flowOf: byUser, matches: (ctx) => isIn(ctx, "system:nodes") },
  {
    name: "kube-controller-manager",
    level: workloadHigh,
    flowOf: byNamespace,
    matches: ({ user }) => user.name === "system:kube-controller-manager" || user.name === "system:kube-scheduler",
  },
  {
    name: "kube-system-service-accounts",
    level: workloadHigh,
    flowOf: byUser,
    matches: ({ user }) => systemAccount.test(user.name),
  },
  {
    name: "service-accounts",
    level: workloadLow,
    flowOf: byUser,
    matches: (ctx) => isIn(ctx, "system:serviceaccounts"),
  },
  { name: "global-default", level: globalDefault, flowOf: byUser, matches: (ctx) => isIn(ctx, "system:authenticated") },
  // Nobody has a name here, but an address.
  { name: "catch-all", level: catchAll, flowOf: ({ exchange }) => exchange.peer.address, matches: () => true },
];

function isSystem(user: string): boolean {
  return systemAccount.test(user) || user === "system:kube-controller-manager" || user === "system:kube-scheduler";
}

/** What tells the cluster that a node lives. */
function isNodeHealth(ctx: RequestContext): boolean {
  const { info } = ctx;
  if (!info.isResource || !isIn(ctx, "system:nodes")) return false;
  return (info.group === "" && info.resource === "nodes") || info.resource === "leases";
}

export function flowSchemaOf(ctx: RequestContext): FlowSchema {
  return flowSchemas.find((schema) => schema.matches(ctx)) as FlowSchema;
}

/** The UID an object of this name would have; stable, since there is no object. */
export function uidOf(kind: "FlowSchema" | "PriorityLevelConfiguration", name: string): string {
  const hex = createHash("sha256").update(`${kind}/${name}`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}
