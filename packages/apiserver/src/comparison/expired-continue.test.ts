/** A page of a list whose revision is compacted by now: both answer 410 with a token that goes on, and go on alike. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { clientOf, eventually, skipWithout, startControlPlane } from "@krate/testing";
import { type RealServer, realServer } from "../testing/real-server.ts";
import { type Asker, askerOf } from "./asker.ts";
import { normalize } from "./normalize.ts";
import { configMap, core, merge, type Step } from "./step.ts";

jest.setTimeout(60_000);

const list = (name: string, after: string, limit = 1): Step => ({
  name,
  path: ({ continue: next }) =>
    `${core}/configmaps?labelSelector=cmp&limit=${limit}&continue=${encodeURIComponent(next(after))}`,
});
const labelled = (name: string) => ({ ...configMap(name), metadata: { name, namespace: "cmp", labels: { cmp: "1" } } });

/** Ours carry their kind in lists, as those of custom resources do (`differences.ts`). */
function withoutKinds(body: unknown): unknown {
  const { items, ...list } = body as { items?: object[] };
  if (items === undefined) return body;
  return { ...list, items: items.map((item) => ({ ...item, apiVersion: undefined, kind: undefined })) };
}

skipWithout("envtest")("expired continue tokens", () => {
  // Its own: it is compacted, and reads nothing from its watch cache.
  let plane: Awaited<ReturnType<typeof startControlPlane>>;
  let ours: RealServer;
  let askers: { theirs: Asker; ours: Asker };

  beforeAll(async () => {
    plane = await startControlPlane({ apiServerArguments: ["--watch-cache=false"] });
    ours = await realServer();
    askers = { theirs: askerOf(plane.info.kubeconfig), ours: askerOf(ours.kubeconfig) };
  }, 120_000);

  afterAll(async () => {
    for (const asker of Object.values(askers)) asker.close();
    await ours.stop();
    await plane.stop();
  }, 60_000);

  async function compactTheirs(revision: string): Promise<void> {
    const { dataFolder, ports } = plane.info;
    const at = (name: string) => join(dataFolder, "pki", name);
    const etcd = await clientOf(`https://127.0.0.1:${ports.etcd}`, at("etcd-ca.crt"), {
      certFile: at("etcd.crt"),
      keyFile: at("etcd.key"),
    });
    const answer = await etcd("/v3/kv/compaction", { method: "POST", body: { revision, physical: true } });
    expect(answer).toMatchObject({ status: 200 });
  }

  /** The answers to: a first page, the next one once the first's revision is gone, the rest by the token in that answer. */
  async function pages({ ask }: Asker, compact: (revision: string) => Promise<void>) {
    const namespace = { name: "", method: "POST", path: "/api/v1/namespaces", body: { metadata: { name: "cmp" } } };
    await eventually(async () => (await ask(namespace)).status === 201, { timeoutSeconds: 30 });
    for (const name of ["a", "b", "c"])
      await ask({ name: "", method: "POST", path: `${core}/configmaps`, body: labelled(name) });
    const first = await ask({ name: "first", path: `${core}/configmaps?labelSelector=cmp&limit=1` });
    const path = `${core}/configmaps/b`;
    const change = { name: "", method: "PATCH", path, contentType: merge, body: { data: { changed: "yes" } } };
    const changed = await ask(change);
    await compact((changed.body as { metadata: { resourceVersion: string } }).metadata.resourceVersion);
    const expired = await ask(list("expired", "first"));
    return [first, expired, await ask(list("second", "expired")), await ask(list("third", "second", 5))].map((answer) =>
      normalize({ ...answer, body: withoutKinds(answer.body) }),
    );
  }

  test("are answered alike", async () => {
    const theirs = await pages(askers.theirs, compactTheirs);
    const { store } = ours.running.server.services;
    const mine = await pages(askers.ours, (revision) => store.compact(BigInt(revision)));
    expect(mine).toEqual(theirs);
    expect(mine[1]).toMatchObject({ status: 410, body: { metadata: { continue: "<continue>" }, reason: "Expired" } });
  });
});
