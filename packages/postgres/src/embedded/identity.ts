import { execFile } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * As whom the server runs. Postgres refuses to run as root, so root has two ways:
 * `user` gives the process the uid of an unprivileged account, which then owns the data folder; `namespace` keeps root's files
 * and shows the process another uid through a user namespace, for folders such as /root that no other account may enter.
 */
export type Identity =
  | { how: "self" }
  | { how: "user"; uid: number; gid: number; name: string }
  | { how: "namespace"; uid: number; gid: number; name: string };

/** A program to start, as `child_process` takes it. */
export interface Invocation {
  command: string;
  args: string[];
  options: { uid?: number; gid?: number };
}

interface Account {
  name: string;
  uid: number;
  gid: number;
}

/** Accounts that are there for this, then the one that is always there. */
const accountNames = ["postgres", "nobody"];

/**
 * Chooses the identity for a data folder: that of its owner when it exists, else the first way that can reach it.
 *
 * @param paths what the server must be able to enter: the parent of the data folder, the folder of the binaries
 */
export async function chooseIdentity(dataDir: string, paths: readonly string[]): Promise<Identity> {
  if (process.getuid?.() !== 0) return { how: "self" };
  const owner = ownerOf(dataDir);
  const account = owner ? accountOf((each) => each.uid === owner) : firstAccount();
  const blocked = account && owner !== 0 ? paths.find((path) => !mayEnter(path, account)) : undefined;
  if (account && owner !== 0 && blocked === undefined) return { how: "user", ...account };
  const stranger = account ?? firstAccount();
  if (owner === undefined || owner === 0) {
    if (stranger && (await namespacesWork(stranger))) return { how: "namespace", ...stranger };
  }
  throw new Error(
    `cannot run Postgres as root: ${blocked ? `account "${account?.name}" may not enter ${blocked}` : "no unprivileged account was found"}` +
      ", and user namespaces are not available. Run as an ordinary user, use a data folder and an installation " +
      "that other accounts may enter, or give the URL of a database server",
  );
}

/**
 * An identity that is not root and leaves files to whoever runs us: this account, or for root an unprivileged one in a user
 * namespace.
 *
 * @throws Error when root may not make user namespaces
 */
export async function unprivilegedIdentity(): Promise<Identity> {
  if (process.getuid?.() !== 0) return { how: "self" };
  const account = firstAccount();
  if (account && (await namespacesWork(account))) return { how: "namespace", ...account };
  throw new Error("user namespaces are not available to root here: run as an ordinary user");
}

function ownerOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.uid;
}

function firstAccount(): Account | undefined {
  return accountNames.map((name) => accountOf((each) => each.name === name)).find((each) => each !== undefined);
}

/** From /etc/passwd, since initdb looks its own uid up there. */
function accountOf(matches: (account: Account) => boolean): Account | undefined {
  return readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .filter((fields) => fields.length >= 4)
    .map(([name, , uid, gid]): Account => ({ name: name ?? "", uid: Number(uid), gid: Number(gid) }))
    .find((account) => account.uid !== 0 && matches(account));
}

/** Whether the account may enter the folder and all above it. */
function mayEnter(path: string, account: Account): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    const stat = statSync(folder, { throwIfNoEntry: false });
    if (stat) {
      const shift = stat.uid === account.uid ? 6 : stat.gid === account.gid ? 3 : 0;
      if (((stat.mode >> shift) & 1) === 0) return false;
    }
    if (folder === dirname(folder)) return true;
  }
}

async function namespacesWork(account: Account): Promise<boolean> {
  const { command, args } = invocation({ how: "namespace", ...account }, "true", []);
  return run(command, args).then(
    () => true,
    () => false, // not installed, or forbidden by the kernel or the container: the caller says what to do instead
  );
}

export function invocation(identity: Identity, program: string, args: readonly string[]): Invocation {
  switch (identity.how) {
    case "self":
      return { command: program, args: [...args], options: {} };
    case "user":
      return { command: program, args: [...args], options: { uid: identity.uid, gid: identity.gid } };
    case "namespace":
      return {
        command: "unshare",
        args: ["-U", `--map-user=${identity.uid}`, `--map-group=${identity.gid}`, "--", program, ...args],
        options: {},
      };
  }
}
