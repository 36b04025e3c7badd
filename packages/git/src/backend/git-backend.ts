/** Which repository, by its Kubernetes identity. Names are DNS-1123, so they are safe as path components. */
export interface RepositoryIdentity {
  namespace: string;
  name: string;
  /** metadata.uid of the Repository; tells a re-created repository from the one that stood under the name before. */
  uid?: string;
}

/** What `ensure` found or did. Maps to the reasons of condition Provisioned. */
export type EnsureOutcome = "Created" | "AdoptedExisting" | "Unchanged";

export interface EnsureOptions {
  /** Branch HEAD points at, without "refs/heads/". @defaultValue main */
  defaultBranch?: string;
}

export interface EnsureResult {
  outcome: EnsureOutcome;
  /** The backend's own name for the repository, stable over its life; goes to status.backend.id. */
  id: string;
}

/** What happens to the data when a Repository object is deleted. */
export type DeletionPolicy = "Retain" | "Delete";

export type BackendHealth =
  | { state: "Healthy" }
  | {
      state: "Degraded" | "Unreachable";
      reason: "StorageDegraded" | "GiteaUnavailable" | "RepositoryMissing";
      message: string;
      /** True when it is served all the same, by another server than the one it is placed on. */
      isServed?: boolean;
    };

/** One ref to move. `expectedOldId` is what it must point at now; the zero id means "must not exist" (or, as newId, "delete"). */
export interface RefUpdate {
  ref: string;
  newId: string;
  expectedOldId: string;
}

/**
 * Why a ref was not moved: it is not where it was expected (`moved`), another process holds its lock (`locked`), a ref such as
 * a/b stands in the way of a (`conflict`), another ref of the transaction failed (`sibling`), the backend is away (`unavailable`; trying
 * again later may help), or something else.
 */
export type RefFailure = "moved" | "locked" | "conflict" | "sibling" | "unavailable" | "other";

/** Outcome of one update of a transaction. */
export type RefUpdateResult =
  | { ref: string; ok: true }
  | { ref: string; ok: false; failure: RefFailure; message: string };

/**
 * A ref transaction in two phases. After `prepare` all refs are locked and their old values verified, so that a record of the
 * update can be made durable before `commit`; `abort` leaves everything as it was.
 */
export interface RefTransaction {
  /** Locks and verifies. Answers a result per update; with one failure nothing is locked any more. */
  prepare(): Promise<RefUpdateResult[]>;
  /** Moves the refs. @throws {GitError} when the storage fails; whatever moved is found by reading the refs. */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/**
 * A repository that plumbing can read. `gitDir` is on a local (or mounted) disk: for the native backend the repository itself,
 * for one behind an API a mirror of it.
 */
export interface BackendRepository {
  readonly identity: RepositoryIdentity;
  readonly gitDir: string;
  /** A folder of this repository for the program that serves it (journal, quarantine); same file system as `gitDir`. */
  readonly workDir: string;
  /** Begins a transaction; it must end by commit, abort or a failed prepare, for a process may stand behind it. */
  beginRefTransaction(updates: readonly RefUpdate[], options?: { reason?: string }): RefTransaction;
}

/**
 * Where repositories live. One conformance suite, `gitBackendConformance`, says what every implementation promises; all
 * operations are idempotent and safe to repeat after a crash at any point.
 */
export interface GitBackend {
  readonly kind: "native" | "gitea";
  readonly name: string;
  /**
   * Makes the repository exist and be the one of `identity.uid`.
   * @throws {BackendConflictError} when another live Repository owns the name.
   */
  ensure(identity: RepositoryIdentity, options?: EnsureOptions): Promise<EnsureResult>;
  /** Points HEAD at a branch, which need not exist yet. @throws {RepositoryMissingError} */
  setDefaultBranch(identity: RepositoryIdentity, branch: string): Promise<void>;
  /** Opens for reading and for ref transactions. @throws {RepositoryMissingError} */
  open(identity: RepositoryIdentity): Promise<BackendRepository>;
  /** Deletes the data, or keeps it so that a later `ensure` may adopt it. A missing repository is not an error. */
  remove(identity: RepositoryIdentity, policy: DeletionPolicy): Promise<void>;
  /** Where the repository's files are, whether it exists or not. @throws {TypeError} when a name is not DNS-1123 */
  gitDir(identity: RepositoryIdentity): string;
  /** Address of the server that the repository is placed on, for operators; undefined where there is none. */
  url(identity: RepositoryIdentity): string | undefined;
  /** Every repository the backend holds, retained ones included, in order of namespace and name. */
  list(): Promise<RepositoryIdentity[]>;
  /** Health of the backend, or of one repository in it. Never throws. */
  health(identity?: RepositoryIdentity): Promise<BackendHealth>;
  /** Looks after the backend's servers, where it has any, until the signal fires; hears when their health changed for good. */
  watch(signal: AbortSignal, onChange: (server: string, isAway: boolean) => void): Promise<void>;
}

/** The repository is not in the backend. */
export class RepositoryMissingError extends Error {
  override readonly name = "RepositoryMissingError";
  constructor(identity: RepositoryIdentity) {
    super(`repository "${identity.namespace}/${identity.name}" does not exist in the Git backend`);
  }
}

/** Another Repository owns the place. */
export class BackendConflictError extends Error {
  override readonly name = "BackendConflictError";
  constructor(identity: RepositoryIdentity) {
    super(
      `the Git backend already holds "${identity.namespace}/${identity.name}" for another Repository object; ` +
        "delete that object first, or give this one another name",
    );
  }
}
