/** Every kind that is generated from and served, in the order of the documents. Adding a kind is one line here and one in `index.ts`. */
import type { Kind } from "./define-kind.ts";
import { AuditEvent } from "./forge/v1alpha1/audit-event/kind.ts";
import { CheckRun } from "./forge/v1alpha1/check-run/kind.ts";
import { GitEvent } from "./forge/v1alpha1/git-event/kind.ts";
import { Issue } from "./forge/v1alpha1/issue/kind.ts";
import { IssueComment } from "./forge/v1alpha1/issue-comment/kind.ts";
import { Job } from "./forge/v1alpha1/job/kind.ts";
import { PatchSet } from "./forge/v1alpha1/patch-set/kind.ts";
import { Pipeline } from "./forge/v1alpha1/pipeline/kind.ts";
import { PullRequest } from "./forge/v1alpha1/pull-request/kind.ts";
import { Review } from "./forge/v1alpha1/review/kind.ts";
import { ReviewComment } from "./forge/v1alpha1/review-comment/kind.ts";
import { WebhookDelivery } from "./forge/v1alpha1/webhook-delivery/kind.ts";
import { AgentConfigGrant } from "./krate/v1alpha1/agent-config-grant/kind.ts";
import { AgentContextLabel } from "./krate/v1alpha1/agent-context-label/kind.ts";
import { AgentMcpServer } from "./krate/v1alpha1/agent-mcp-server/kind.ts";
import { AgentRoleBinding } from "./krate/v1alpha1/agent-role-binding/kind.ts";
import { AgentSecretGrant } from "./krate/v1alpha1/agent-secret-grant/kind.ts";
import { AgentServiceAccount } from "./krate/v1alpha1/agent-service-account/kind.ts";
import { AgentSkill } from "./krate/v1alpha1/agent-skill/kind.ts";
import { AgentStack } from "./krate/v1alpha1/agent-stack/kind.ts";
import { AgentSubagent } from "./krate/v1alpha1/agent-subagent/kind.ts";
import { AgentToolProfile } from "./krate/v1alpha1/agent-tool-profile/kind.ts";
import { AgentWorkspacePolicy } from "./krate/v1alpha1/agent-workspace-policy/kind.ts";
import { AuthProvider } from "./krate/v1alpha1/auth-provider/kind.ts";
import { BranchProtection } from "./krate/v1alpha1/branch-protection/kind.ts";
import { GPGKey } from "./krate/v1alpha1/gpg-key/kind.ts";
import { IdentityMapping } from "./krate/v1alpha1/identity-mapping/kind.ts";
import { Invite } from "./krate/v1alpha1/invite/kind.ts";
import { MergeQueue } from "./krate/v1alpha1/merge-queue/kind.ts";
import { OrgNamespaceBinding } from "./krate/v1alpha1/org-namespace-binding/kind.ts";
import { Organization } from "./krate/v1alpha1/organization/kind.ts";
import { RefPolicy } from "./krate/v1alpha1/ref-policy/kind.ts";
import { Repository } from "./krate/v1alpha1/repository/kind.ts";
import { RepositoryPermission } from "./krate/v1alpha1/repository-permission/kind.ts";
import { RunnerPool } from "./krate/v1alpha1/runner-pool/kind.ts";
import { Selector } from "./krate/v1alpha1/selector/kind.ts";
import { SSHKey } from "./krate/v1alpha1/ssh-key/kind.ts";
import { Team } from "./krate/v1alpha1/team/kind.ts";
import { User } from "./krate/v1alpha1/user/kind.ts";
import { View } from "./krate/v1alpha1/view/kind.ts";
import { WebhookSubscription } from "./krate/v1alpha1/webhook-subscription/kind.ts";

/** CRDs of `krate.a5c.ai`. */
export const configKinds: readonly Kind[] = [
  Organization,
  OrgNamespaceBinding,
  User,
  Team,
  Invite,
  IdentityMapping,
  AuthProvider,
  Repository,
  SSHKey,
  GPGKey,
  RepositoryPermission,
  BranchProtection,
  RefPolicy,
  MergeQueue,
  RunnerPool,
  WebhookSubscription,
  Selector,
  View,
  AgentStack,
  AgentSubagent,
  AgentToolProfile,
  AgentMcpServer,
  AgentSkill,
  AgentContextLabel,
  AgentWorkspacePolicy,
  AgentServiceAccount,
  AgentRoleBinding,
  AgentSecretGrant,
  AgentConfigGrant,
];

/** Records of `forge.krate.a5c.ai`. */
export const recordKinds: readonly Kind[] = [
  PullRequest,
  Issue,
  Review,
  IssueComment,
  ReviewComment,
  PatchSet,
  GitEvent,
  AuditEvent,
  Pipeline,
  Job,
  CheckRun,
  WebhookDelivery,
];

export const allKinds: readonly Kind[] = [...configKinds, ...recordKinds];
