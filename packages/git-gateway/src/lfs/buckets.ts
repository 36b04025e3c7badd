import type { BucketsConfig } from "./buckets-config.ts";
import type { LfsStore } from "./lfs-store.ts";
import type { LfsBuckets } from "./stores.ts";

/** Clients of the buckets of a platform. Nothing is asked yet: a bucket that is away is noticed by who uses it. */
export async function openBuckets(config: BucketsConfig): Promise<LfsBuckets> {
  // Only where there are buckets: the AWS SDK takes some 35 MB and half a second.
  const { S3LfsStore } = await import("./s3-store.ts");
  const stores = new Map<string, LfsStore>(
    Object.entries(config.buckets).map(([name, bucket]) => [name, new S3LfsStore(name, bucket)]),
  );
  return { stores, defaultBucket: config.default };
}
