import { access, constants, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { exists, namesIn } from "../backend/folders.ts";
import {
  type BackendHealth,
  type BackendRepository,
  type DeletionPolicy,
  type EnsureOptions,
  type EnsureResult,
  type GitBackend,
  type RepositoryIdentity,
  RepositoryMissingError,
} from "../backend/git-backend.ts";
import { claim, readOwner, requireBranchName, requireNames, writeOwner } from "../backend/owner.ts";
import { readDefaultBranch } from "../objects/refs.ts";
import { gitText, runGit } from "../process/git-process.ts";
import { beginForwardedTransaction, keyOf } from "./forwarded-transaction.ts";
import type { GiteaServers } from "./gitea-servers.ts";
import { type GiteaName, giteaName } from "./names.ts";
import { preReceiveHook } from "./proof.ts";
import { Turns } from "./turns.ts";

export interface GiteaBackendOptions {
  servers: GiteaServers;
  /** Folder of Gitea's repositories (`[repository] ROOT`), on the volume that all its processes share with us. */
  root: string;
  /** File with what pushes are proved with; the Gitea processes have it as KRATE_HOOK_SECRET_FILE. */
  hookSecretFile: string;
  /** Name in status.backend.name. @defaultValue gitea */
  name?: string;
}

/** Of a repository in Gitea's API what is looked at. */
type GiteaRepository = Record<string, unknown> & { default_branch?: string };

/** Nothing of a forge is left on: pull requests, issues and hooks are Krate's records. */
const settings = {
  private: true,
  has_issues: false,
  has_wiki: false,
  has_pull_requests: false,
  has_projects: false,
  has_packages: false,
  has_actions: false,
  has_releases: false,
} as const;

/**
 * Repositories in Gitea, made and kept through its REST API. They are read on the volume, where a push's objects are put too; refs move
 * by a push to Gitea, which nobody else can make (see proof.ts). Whose a repository is stands in `krate/owner.json` in it, as with the
 * native backend.
 */
export class GiteaGitBackend implements GitBackend {
  readonly kind = "gitea";
  readonly name: string;
  readonly servers: GiteaServers;
  readonly #root: string;
  readonly #hookSecretFile: string;
  readonly #transactions = new Turns();
  readonly #provisioning = new Turns();

  constructor({ servers, root, hookSecretFile, name = "gitea" }: GiteaBackendOptions) {
    this.servers = servers;
    this.#root = root;
    this.#hookSecretFile = hookSecretFile;
    this.name = name;
  }

  async ensure(identity: RepositoryIdentity, options: EnsureOptions = {}): Promise<EnsureResult> {
    const gitDir = this.gitDir(identity);
    const name = giteaName(identity);
    requireBranchName(options.defaultBranch ?? "main");
    const endTurn = await this.#provisioning.take(gitDir);
    try {
      const found = await this.#find(name);
      const isOnVolume = await exists(join(gitDir, "HEAD"));
      const outcome = await this.#own(identity, { isThere: found !== undefined || isOnVolume, options });
      await this.#reconcile(name, gitDir);
      return { outcome, id: keyOf(name) };
    } finally {
      endTurn();
    }
  }

  async #own(
    identity: RepositoryIdentity,
    { isThere, options }: { isThere: boolean; options: EnsureOptions },
  ): Promise<EnsureResult["outcome"]> {
    const gitDir = this.gitDir(identity);
    const owner = await readOwner(gitDir);
    if (owner) return claim(gitDir, identity, owner);
    const isNew = !isThere && (await this.#create(giteaName(identity), options.defaultBranch ?? "main"));
    if (!(await exists(join(gitDir, "HEAD")))) throw new RepositoryMissingError(identity);
    const { namespace, name, uid } = identity;
    await writeOwner(gitDir, { uid, namespace, name });
    return isNew ? "Created" : "AdoptedExisting";
  }

  /** Answers false when somebody else was faster. */
  async #create(name: GiteaName, defaultBranch: string): Promise<boolean> {
    const key = keyOf(name);
    const organization = { username: name.owner, visibility: "private", repo_admin_change_team_access: false };
    // 422: it is there.
    const known = await this.servers.api(key, "GET", `/orgs/${name.owner}`, { expected: [404] });
    if (known.status === 404) await this.servers.api(key, "POST", "/orgs", { data: organization, expected: [422] });
    const { status } = await this.servers.api(key, "POST", `/orgs/${name.owner}/repos`, {
      data: { name: name.name, private: true, auto_init: false, default_branch: defaultBranch },
      expected: [409],
    });
    return status !== 409;
  }

  async #find({ owner, name }: GiteaName): Promise<GiteaRepository | undefined> {
    const { status, data } = await this.servers.api(keyOf({ owner, name }), "GET", `/repos/${owner}/${name}`, {
      expected: [404],
    });
    return status === 404 ? undefined : (data as GiteaRepository);
  }

  /** Brings what Gitea says about the repository to what it should be; writes nothing when it is. */
  async #reconcile(name: GiteaName, gitDir: string): Promise<void> {
    const key = keyOf(name);
    const path = `/repos/${name.owner}/${name.name}`;
    let found = await this.#find(name);
    if (!found) {
      // On the volume and not in Gitea's database: restored from a back-up, or put there by hand.
      await this.servers.api(key, "POST", `/admin/unadopted/${name.owner}/${name.name}`);
      found = await this.#find(name);
    }
    const defaultBranch = await readDefaultBranch({ gitDir });
    const wanted = { ...settings, ...(defaultBranch !== undefined && { default_branch: defaultBranch }) };
    const wrong = Object.entries(wanted).filter(([field, value]) => found?.[field] !== value);
    if (wrong.length > 0) await this.servers.api(key, "PATCH", path, { data: Object.fromEntries(wrong) });
    const hook = `${path}/hooks/git/pre-receive`;
    const { data } = await this.servers.api(key, "GET", hook);
    const { content, is_active: isActive } = data as { content?: string; is_active?: boolean };
    if (content?.trim() !== preReceiveHook.trim() || !isActive)
      await this.servers.api(key, "PATCH", hook, { data: { content: preReceiveHook } });
  }

  async setDefaultBranch(identity: RepositoryIdentity, branch: string): Promise<void> {
    requireBranchName(branch);
    const { gitDir } = await this.open(identity);
    if ((await readDefaultBranch({ gitDir })) === branch) return;
    const name = giteaName(identity);
    const path = `/repos/${name.owner}/${name.name}`;
    await this.servers.api(keyOf(name), "PATCH", path, { data: { default_branch: branch } });
    // Gitea ignores a branch that does not exist yet; HEAD may point at one, and `ensure` tells Gitea once it exists.
    await runGit(["symbolic-ref", "HEAD", `refs/heads/${branch}`], { gitDir });
  }

  async open(identity: RepositoryIdentity): Promise<BackendRepository> {
    const gitDir = this.gitDir(identity);
    if (!(await exists(join(gitDir, "HEAD")))) throw new RepositoryMissingError(identity);
    const context = {
      servers: this.servers,
      name: giteaName(identity),
      gitDir,
      turns: this.#transactions,
      secret: () => readFile(this.#hookSecretFile, "utf8"),
    };
    return {
      identity,
      gitDir,
      workDir: join(gitDir, "krate"),
      beginRefTransaction: (updates, options) => beginForwardedTransaction(context, updates, options?.reason),
    };
  }

  async remove(identity: RepositoryIdentity, policy: DeletionPolicy): Promise<void> {
    const gitDir = this.gitDir(identity);
    const owner = await readOwner(gitDir);
    // A late deletion of the former holder of the name must not take the new one's data.
    if (owner?.uid !== undefined && identity.uid !== undefined && owner.uid !== identity.uid) return;
    if (policy === "Retain") {
      if (!owner) return;
      await writeOwner(gitDir, { ...owner, uid: owner.uid ?? identity.uid, retained: true });
      return;
    }
    const name = giteaName(identity);
    await this.servers.api(keyOf(name), "DELETE", `/repos/${name.owner}/${name.name}`, { expected: [404] });
    await rm(gitDir, { recursive: true, force: true });
  }

  async health(identity?: RepositoryIdentity): Promise<BackendHealth> {
    try {
      await access(this.#root, constants.R_OK | constants.W_OK | constants.X_OK);
      if (identity) {
        const { gitDir } = await this.open(identity);
        await readdir(join(gitDir, "objects"));
        await gitText(["rev-parse", "--git-dir"], { gitDir, timeoutMs: 10_000 });
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (error instanceof RepositoryMissingError) return { state: "Degraded", reason: "RepositoryMissing", message };
      return { state: identity ? "Degraded" : "Unreachable", reason: "StorageDegraded", message };
    }
    return this.#serverHealth(identity);
  }

  async #serverHealth(identity: RepositoryIdentity | undefined): Promise<BackendHealth> {
    const order = this.servers.order(identity ? keyOf(giteaName(identity)) : "");
    const away = await Promise.all(order.map((server) => this.servers.isAway(server)));
    const [first, ...others] = order.filter((_, index) => away[index]).map(({ name }) => name);
    const reason = "GiteaUnavailable";
    if (order.every((_, index) => away[index]))
      return { state: "Unreachable", reason, message: `no Gitea process answers: ${[first, ...others].join(", ")}` };
    const matters = identity ? away[0] === true : first !== undefined;
    if (!matters) return { state: "Healthy" };
    const serving = order.find((_, index) => !away[index])?.name;
    const names = identity ? order[0]?.name : [first, ...others].join(", ");
    return {
      state: "Degraded",
      reason,
      message: `${names} does not answer; ${serving} serves instead`,
      isServed: true,
    };
  }

  watch(signal: AbortSignal, onChange: (server: string, isAway: boolean) => void): Promise<void> {
    return this.servers.watch(signal, ({ name }, isAway) => onChange(name, isAway));
  }

  async list(): Promise<RepositoryIdentity[]> {
    const found: RepositoryIdentity[] = [];
    for (const owner of await namesIn(this.#root)) {
      if (!owner.startsWith("k-")) continue;
      for (const folder of await namesIn(join(this.#root, owner))) {
        const { namespace, name } = (await readOwner(join(this.#root, owner, folder))) ?? {};
        if (namespace !== undefined && name !== undefined) found.push({ namespace, name });
      }
    }
    const key = ({ namespace, name }: RepositoryIdentity) => `${namespace}/${name}`;
    return found.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  gitDir(identity: RepositoryIdentity): string {
    requireNames(identity);
    const { owner, name } = giteaName(identity);
    return join(this.#root, owner, `${name}.git`);
  }

  url(identity: RepositoryIdentity): string | undefined {
    const name = giteaName(identity);
    const [server] = this.servers.order(keyOf(name));
    return server && `${server.url}/${keyOf(name)}`;
  }
}
