import { GatewayError } from "../access/gateway-error.ts";
import type { RepositoryView } from "../ports.ts";
import { FileLfsStore } from "./file-store.ts";
import type { LfsStore } from "./lfs-store.ts";

/** Buckets by the name that `spec.objectStorage.bucketRef` calls them; `defaultBucket` is for repositories that name none. */
export interface LfsBuckets {
  stores: ReadonlyMap<string, LfsStore>;
  defaultBucket: string | undefined;
}

/** Chooses where the large files of a repository live: the bucket it names, else the default bucket, else its own folder. */
export class LfsStores {
  readonly #buckets: LfsBuckets;
  readonly #files: LfsStore;

  constructor(
    buckets: LfsBuckets = { stores: new Map(), defaultBucket: undefined },
    files: LfsStore = new FileLfsStore(),
  ) {
    this.#buckets = buckets;
    this.#files = files;
  }

  /** @throws {GatewayError} 501 when the repository names a bucket that this gateway does not know */
  of({ namespace, name, lfs }: RepositoryView): LfsStore {
    const { stores, defaultBucket } = this.#buckets;
    const wanted = lfs.bucket ?? defaultBucket;
    if (wanted === undefined) return this.#files;
    const store = stores.get(wanted);
    if (store) return store;
    const known = [...stores.keys()].map((each) => JSON.stringify(each)).join(", ");
    throw new GatewayError(
      501,
      `spec.objectStorage.bucketRef of repository "${namespace}/${name}" is ${JSON.stringify(wanted)}, a bucket this gateway ` +
        `does not know (it knows ${known || "none"}): name another one, or ask a platform engineer to add it to KRATE_LFS_BUCKETS_FILE`,
    );
  }
}
