import { GatewayError } from "../access/gateway-error.ts";
import { isRepositoryAdmin } from "../services/git-services.ts";
import { answerJson, jsonBody, type LfsCall } from "./call.ts";
import { type LfsLock, LfsLocks } from "./lock-store.ts";
import { parseLockQuery, parseLockRequest, parseUnlockRequest } from "./protocol.ts";

/** POST locks */
export async function serveCreateLock(call: LfsCall): Promise<void> {
  const { path } = parseLockRequest(await jsonBody(call.exchange));
  const outcome = await new LfsLocks(call.repository).create(path, call.access.identity.user);
  if ("created" in outcome) return answerJson(call.exchange, 201, { lock: outcome.created });
  if ("full" in outcome)
    throw new GatewayError(
      422,
      `the repository has ${outcome.full} locks, which is the limit: unlock what nobody works on`,
    );
  answerJson(call.exchange, 409, { lock: outcome.existing, message: isLocked(outcome.existing) });
}

/** GET locks */
export async function serveListLocks(call: LfsCall): Promise<void> {
  const { locks, next } = await new LfsLocks(call.repository).list(
    parseLockQuery(Object.fromEntries(call.route.query)),
  );
  answerJson(call.exchange, 200, { locks, ...(next !== undefined && { next_cursor: next }) });
}

/** POST locks/verify: which locks are the caller's, which are not; git-lfs asks before it pushes. */
export async function serveVerifyLocks(call: LfsCall): Promise<void> {
  const body = await jsonBody(call.exchange);
  const { locks, next } = await new LfsLocks(call.repository).list(
    parseLockQuery(Object(body) as Record<string, unknown>),
  );
  const isOurs = ({ owner }: LfsLock) => owner.name === call.access.identity.user;
  answerJson(call.exchange, 200, {
    ours: locks.filter(isOurs),
    theirs: locks.filter((lock) => !isOurs(lock)),
    ...(next !== undefined && { next_cursor: next }),
  });
}

/** POST locks/<id>/unlock: one's own, or anybody's with force for an admin of the repository. */
export async function serveUnlock(call: LfsCall): Promise<void> {
  const { force } = parseUnlockRequest(await jsonBody(call.exchange));
  const removed = await new LfsLocks(call.repository).remove(call.argument, (lock) => requireMine(lock, force, call));
  if (!removed) throw new GatewayError(404, "there is no such lock (any more): look at git lfs locks");
  answerJson(call.exchange, 200, { lock: removed });
}

async function requireMine(lock: LfsLock, force: boolean, { access, git }: LfsCall): Promise<void> {
  if (lock.owner.name === access.identity.user) return;
  if (!force)
    throw new GatewayError(403, `${isLocked(lock)}, or an admin of the repository may use git lfs unlock --force`);
  if (!(await isRepositoryAdmin(access, git.authorizer)))
    throw new GatewayError(
      403,
      `${isLocked(lock)}: only an admin of the repository (update repositories/admin) may take it away`,
    );
}

function isLocked({ path, owner, locked_at }: LfsLock): string {
  return `${JSON.stringify(path)} is locked by ${JSON.stringify(owner.name)} since ${locked_at}: ask them to unlock it`;
}
