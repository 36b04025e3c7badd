import type { GitBackend } from "@krate/git";
import type { Branches } from "./git/branches.ts";
import type { GatewayPort } from "./git/push.ts";
import type { MergeStep } from "./merge/merge.ts";
import type { Person } from "./merge/message.ts";
import type { QueueStep } from "./merge-queue/state.ts";
import type { Pushes } from "./pushes.ts";

/** What the controllers have beside the API server. */
export interface OperatorPorts {
  backend: GitBackend;
  branches: Branches;
  gateway: GatewayPort;
  pushes: Pushes;
  /** Committer of the commits that merges make. */
  committer: Person;
  /** URL of git-gateway as clients reach it, without a trailing slash. */
  gitUrl: string;
  /** `ssh://git@host:port` of its SSH side, where there is one. */
  sshUrl?: string;
  /** Tests end the process here. */
  checkpoint?: (step: MergeStep | "suggestion-pushed" | QueueStep) => Promise<void>;
}
