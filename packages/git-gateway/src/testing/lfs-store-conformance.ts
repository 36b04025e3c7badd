import { createHash, randomBytes, randomUUID } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { NativeGitBackend } from "@krate/git";
import { type TemporaryFolder, temporaryFolder } from "@krate/testing";
import { LfsContentError, type LfsObject, type LfsRepository, type LfsStore } from "../lfs/lfs-store.ts";
import { MemoryCluster } from "./memory-ports.ts";

export interface LfsStoreFixture {
  store: LfsStore;
  /** Everything that lies where the store keeps its data: what is no object of the test is garbage. */
  files(repository: LfsRepository): Promise<string[]>;
}

/** Two repositories on disk, for stores to keep things of. */
export class LfsRepositories {
  readonly folder: TemporaryFolder;
  readonly backend: NativeGitBackend;
  readonly #cluster = new MemoryCluster();

  private constructor(folder: TemporaryFolder) {
    this.folder = folder;
    this.backend = new NativeGitBackend({ root: `${folder.path}/repositories` });
  }

  static async create(): Promise<LfsRepositories> {
    return new LfsRepositories(await temporaryFolder("lfs"));
  }

  async add(name: string = randomUUID(), lfs: Partial<LfsRepository["view"]["lfs"]> = {}): Promise<LfsRepository> {
    const identity = { namespace: "acme", name };
    const view = this.#cluster.addRepository({ ...identity, lfs: { enabled: true, ...lfs } });
    await this.backend.ensure({ ...identity, uid: view.uid });
    return { view, backend: await this.backend.open(identity) };
  }
}

/** An object, and its content. */
export function newObject(content: Buffer = randomBytes(100_000)): LfsObject & { content: Buffer } {
  return { oid: createHash("sha256").update(content).digest("hex"), size: content.length, content };
}

/** The content in pieces, as a client sends it. */
export async function* pieces(content: Buffer, size = 10_000): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += size) {
    yield content.subarray(at, at + size);
    await turn();
  }
}

/** What every LfsStore promises, as tests. Call it in a test file of the implementation. */
export function lfsStoreConformance(makeStore: (repositories: LfsRepositories) => Promise<LfsStoreFixture>): void {
  let repositories: LfsRepositories;
  let fixture: LfsStoreFixture;
  let store: LfsStore;
  const never = new AbortController().signal;

  beforeAll(async () => {
    repositories = await LfsRepositories.create();
    fixture = await makeStore(repositories);
    store = fixture.store;
  });
  afterAll(() => repositories.folder.remove());

  async function contentOf(repository: LfsRepository, oid: string, range?: { start: number; end: number }) {
    const stream = await store.read(repository, oid, range);
    return stream && Buffer.concat((await stream.toArray()) as Buffer[]);
  }

  test.each([
    { reason: "a byte", content: Buffer.from("x") },
    { reason: "nothing", content: Buffer.alloc(0) },
    { reason: "several megabytes", content: randomBytes(5_000_000) },
  ])("keeps $reason", async ({ content }) => {
    const repository = await repositories.add();
    const object = newObject(content);
    expect(await store.sizeOf(repository, object.oid)).toBeUndefined();
    expect(await store.read(repository, object.oid)).toBeUndefined();
    await store.write(repository, object, pieces(content, 64 * 1024), never);
    expect(await store.sizeOf(repository, object.oid)).toBe(content.length);
    expect((await contentOf(repository, object.oid))?.equals(content)).toBe(true);
    expect(await fixture.files(repository)).toHaveLength(1);
  });

  test("reads a range", async () => {
    const repository = await repositories.add();
    const object = newObject();
    await store.write(repository, object, pieces(object.content), never);
    expect(await contentOf(repository, object.oid, { start: 10, end: 19 })).toEqual(object.content.subarray(10, 20));
    expect(await contentOf(repository, object.oid, { start: 99_999, end: 99_999 })).toHaveLength(1);
  });

  test("an object is of the repository it was written through", async () => {
    const [one, other] = [await repositories.add(), await repositories.add()];
    const object = newObject();
    await store.write(one, object, pieces(object.content), never);
    expect(await store.sizeOf(other, object.oid)).toBeUndefined();
    expect(await store.read(other, object.oid)).toBeUndefined();
    await store.write(other, newObject(), pieces(object.content), never).catch(() => undefined);
    expect(await store.sizeOf(other, object.oid)).toBeUndefined();
  });

  const object = newObject();
  describe.each<{ reason: string; announced: LfsObject; content: Buffer; problem: RegExp }>([
    {
      reason: "other content of the same length",
      announced: { oid: newObject().oid, size: object.size },
      content: object.content,
      problem: new RegExp(`has the SHA-256 ${object.oid}`),
    },
    {
      reason: "too little",
      announced: object,
      content: object.content.subarray(1),
      problem: /^only 99999 of the 100000 bytes/,
    },
    {
      reason: "nothing at all",
      announced: object,
      content: Buffer.alloc(0),
      problem: /^only 0 of the 100000 bytes/,
    },
    {
      reason: "too much",
      announced: object,
      content: Buffer.concat([object.content, Buffer.from("x")]),
      problem: /^more than the 100000 bytes/,
    },
  ])("$reason", ({ announced, content, problem }) => {
    test("is refused and leaves nothing", async () => {
      const repository = await repositories.add();
      const writing = store.write(repository, announced, pieces(content), never);
      await expect(writing).rejects.toThrow(problem);
      await expect(writing).rejects.toBeInstanceOf(LfsContentError);
      expect(await store.sizeOf(repository, announced.oid)).toBeUndefined();
      expect(await fixture.files(repository)).toEqual([]);
    });
  });

  test("what breaks off leaves nothing, and the error is the client's", async () => {
    const repository = await repositories.add();
    async function* broken() {
      yield object.content.subarray(0, 50_000);
      await turn();
      throw new Error("the client is gone");
    }
    await expect(store.write(repository, object, broken(), never)).rejects.toThrow("the client is gone");
    const stop = new AbortController();
    async function* stopped() {
      yield object.content.subarray(0, 50_000);
      await turn();
      stop.abort(new Error("the server is stopping"));
      yield object.content.subarray(50_000);
    }
    await expect(store.write(repository, object, stopped(), stop.signal)).rejects.toThrow("the server is stopping");
    expect(await store.sizeOf(repository, object.oid)).toBeUndefined();
    expect(await fixture.files(repository)).toEqual([]);
  });

  test("the same object written many times at once, and again, is there once", async () => {
    const repository = await repositories.add();
    const write = () => store.write(repository, object, pieces(object.content), never);
    await Promise.all(Array.from({ length: 8 }, write));
    await write();
    expect((await contentOf(repository, object.oid))?.equals(object.content)).toBe(true);
    expect(await fixture.files(repository)).toHaveLength(1);
  });

  test("a failed write of what is there already takes nothing away", async () => {
    const repository = await repositories.add();
    await store.write(repository, object, pieces(object.content), never);
    await expect(store.write(repository, object, pieces(object.content.subarray(1)), never)).rejects.toThrow("only");
    expect((await contentOf(repository, object.oid))?.equals(object.content)).toBe(true);
  });

  test("data that is deleted is not there for who gets the name next; retained data is", async () => {
    const identity = { namespace: "acme", name: "reused" };
    const before = await repositories.add("reused");
    await store.write(before, object, pieces(object.content), never);
    await repositories.backend.remove({ ...identity, uid: before.view.uid }, "Retain");
    expect(await store.sizeOf(await repositories.add("reused"), object.oid)).toBe(object.size);
    await repositories.backend.remove(identity, "Delete");
    expect(await store.sizeOf(await repositories.add("reused"), object.oid)).toBeUndefined();
  });
}
