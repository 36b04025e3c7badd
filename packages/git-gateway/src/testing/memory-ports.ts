import type { AccessPorts } from "../access/authorize.ts";
import type {
  AccessQuestion,
  CommitSignatures,
  GitEventLog,
  GitEventRecord,
  Identity,
  PolicyEngine,
  PushFacts,
  RefDecision,
  RepositoryView,
} from "../ports.ts";

/** In-memory stand-ins for the Kubernetes side: the git, HTTP and disk sides of the tests are real. */
export class MemoryCluster {
  readonly tokens = new Map<string, Identity>();
  readonly repositories = new Map<string, RepositoryView>();
  readonly grants = new Map<string, Set<string>>();
  readonly events: GitEventRecord[] = [];
  readonly questions: AccessQuestion[] = [];
  /** Judges one ref; the default accepts. */
  judge: (push: PushFacts, index: number) => Promise<RefDecision> | RefDecision = (push, index) =>
    accepted(push, index);
  /** Judges whole pushes instead of `judge`. */
  engine: PolicyEngine | undefined;
  /** What hooks have to say about a push that landed. */
  afterwards: (push: PushFacts) => Promise<string[]> | string[] = () => [];
  /** Judges signatures; the default knows no key. */
  signatures: CommitSignatures = {
    verify: async () => ({ state: "unverified", reason: "no key is registered" }),
  };
  /** Set to make appending events fail. */
  appendError: Error | undefined;

  addUser(token: string, user: string, groups: string[] = []): Identity {
    const identity = { user, groups: [...groups, "system:authenticated"], uid: `uid-${user}` };
    this.tokens.set(token, identity);
    return identity;
  }

  /** Lets `user` do `verb` on `repositories/<subresource>` of one repository. */
  grant(
    user: string,
    verb: "get" | "update",
    subresource: "content" | "admin",
    namespace: string,
    repository: string,
  ): void {
    const grants = this.grants.get(user) ?? new Set();
    this.grants.set(user, grants.add(`${verb} ${subresource} ${namespace}/${repository}`));
  }

  addRepository(view: Partial<RepositoryView> & { namespace: string; name: string }): RepositoryView {
    const full: RepositoryView = {
      uid: `uid-${view.name}`,
      organization: view.namespace,
      visibility: "private",
      defaultBranch: "main",
      archived: false,
      terminating: false,
      lfs: { enabled: true },
      ...view,
    };
    this.repositories.set(`${view.namespace}/${view.name}`, full);
    return full;
  }

  get access(): AccessPorts {
    return {
      authenticator: { authenticate: async (token) => this.tokens.get(token) },
      authorizer: {
        authorize: async (identity, question) => {
          this.questions.push(question);
          const grant = `${question.verb} ${question.subresource} ${question.namespace}/${question.repository}`;
          const allowed = this.grants.get(identity.user)?.has(grant) ?? false;
          return allowed ? { allowed } : { allowed, reason: "no RBAC rule grants it" };
        },
      },
      repositories: { find: async (namespace, name) => this.repositories.get(`${namespace}/${name}`) },
    };
  }

  get policies(): PolicyEngine {
    return (
      this.engine ?? {
        evaluate: async (push) => Promise.all(push.updates.map(async (_, index) => this.judge(push, index))),
        afterwards: async (push) => this.afterwards(push),
      }
    );
  }

  get eventLog(): GitEventLog {
    return {
      append: async (records) => {
        if (this.appendError) throw this.appendError;
        for (const record of records)
          if (!this.events.some(({ name }) => name === record.name)) this.events.push(record);
      },
    };
  }
}

export function accepted(push: PushFacts, index: number): RefDecision {
  return { ref: push.updates[index]?.ref ?? "", allowed: true, decision: "Accepted", results: [] };
}

/** A refusal as a policy would word it. */
export function refused(push: PushFacts, index: number, message: string): RefDecision {
  return {
    ref: push.updates[index]?.ref ?? "",
    allowed: false,
    decision: "Rejected",
    results: [
      { policy: "RefPolicy/test", rule: "no", decision: "Denied", message, remedy: "What to do: ask somebody." },
    ],
  };
}
