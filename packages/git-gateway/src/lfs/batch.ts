import { answerJson, jsonBody, type LfsCall } from "./call.ts";
import type { LfsObject, LfsStore } from "./lfs-store.ts";
import { lfsTokenSeconds } from "./lfs-tokens.ts";
import {
  type BatchItem,
  type BatchResponseObject,
  type LfsAction,
  type LfsOperation,
  parseBatch,
  parseObject,
} from "./protocol.ts";

/** Objects of one batch that are looked up at once. */
const lookups = 16;

/** POST objects/batch: says for each object where to take it from or send it to, or why not. */
export async function serveBatch(call: LfsCall): Promise<void> {
  const { operation, objects } = parseBatch(await jsonBody(call.exchange), call.lfs.limits);
  if (operation === "upload") await call.requireUpload();
  const store = call.lfs.stores.of(call.access.view);
  const answers: BatchResponseObject[] = [];
  for (let at = 0; at < objects.length; at += lookups) {
    const some = objects.slice(at, at + lookups);
    answers.push(...(await Promise.all(some.map((item) => answerOf(item, operation, store, call)))));
  }
  answerJson(call.exchange, 200, { transfer: "basic", objects: answers, hash_algo: "sha256" });
}

/** POST objects/verify: whether an upload arrived. */
export async function serveVerify(call: LfsCall): Promise<void> {
  const { oid, size } = parseObject(await jsonBody(call.exchange), call.lfs.limits);
  const stored = await call.lfs.stores
    .of(call.access.view)
    .sizeOf({ view: call.access.view, backend: call.repository }, oid);
  if (stored === size) answerJson(call.exchange, 200, { oid, size });
  else if (stored === undefined)
    answerJson(call.exchange, 404, { message: `object ${oid} did not arrive: push again` });
  else answerJson(call.exchange, 422, { message: wrongSize({ oid, size }, stored) });
}

async function answerOf(
  { object, problem }: BatchItem,
  operation: LfsOperation,
  store: LfsStore,
  call: LfsCall,
): Promise<BatchResponseObject> {
  if (problem !== undefined) return { ...object, error: { code: 422, message: problem } };
  const { oid, size } = object;
  const stored = await store.sizeOf({ view: call.access.view, backend: call.repository }, oid);
  if (stored !== undefined && stored !== size)
    return { ...object, error: { code: 422, message: wrongSize(object, stored) } };
  if (operation === "upload")
    return stored === undefined
      ? { ...object, actions: { upload: action(call, `${oid}?size=${size}`), verify: action(call, "verify") } }
      : object;
  if (stored !== undefined) return { ...object, actions: { download: action(call, oid) } };
  const { namespace, name } = call.access.view;
  const message = `repository "${namespace}/${name}" has no object ${oid}: push it with git lfs push from a clone that has it`;
  return { ...object, error: { code: 404, message } };
}

/**
 * A link of this API. Whoever came with a Kubernetes token calls it with the same one, which git-lfs does by itself; whoever came
 * over SSH has no other credential than the token they already hold. Either way access is decided again when it is called.
 */
function action({ route, access, lfs }: LfsCall, path: string): LfsAction {
  const href = `${lfs.publicUrl()}/${route.namespace}/${route.repository}.git/info/lfs/objects/${path}`;
  if (access.token === undefined) return { href };
  return { href, header: { Authorization: `Bearer ${access.token}` }, expires_in: lfsTokenSeconds };
}

function wrongSize({ oid, size }: LfsObject, stored: number): string {
  return `object ${oid} has ${stored} bytes, not ${size}: the pointer file is wrong`;
}
