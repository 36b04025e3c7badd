import { describe, expect, test } from "@jest/globals";
import type { RepositoryView } from "../ports.ts";
import { openBuckets } from "./buckets.ts";
import { readBucketsConfig } from "./buckets-config.ts";
import { LfsStores } from "./stores.ts";

const read = (value: unknown) => readBucketsConfig(JSON.stringify(value));

test("buckets are read, with what most servers want filled in", () => {
  expect(
    read({
      default: "media",
      buckets: {
        media: { bucket: "acme-lfs", region: "eu-central-1" },
        local: { bucket: "lfs", endpoint: "http://127.0.0.1:9000", prefix: "krate/one" },
      },
    }),
  ).toEqual({
    default: "media",
    buckets: {
      media: { bucket: "acme-lfs", region: "eu-central-1", forcePathStyle: false },
      local: {
        bucket: "lfs",
        endpoint: "http://127.0.0.1:9000",
        region: "us-east-1",
        prefix: "krate/one",
        forcePathStyle: true,
      },
    },
  });
});

describe("what is wrong is said, and where", () => {
  const media = { bucket: "lfs" };
  test.each([
    { reason: "a list", value: [], problem: "KRATE_LFS_BUCKETS_FILE: must be an object" },
    { reason: "no buckets", value: {}, problem: "KRATE_LFS_BUCKETS_FILE, buckets: must be an object" },
    {
      reason: "a default that is none of them",
      value: { default: "x", buckets: { media } },
      problem: 'KRATE_LFS_BUCKETS_FILE, default: "x" is not one of buckets',
    },
    {
      reason: "a name nobody could write in a Repository",
      value: { buckets: { "My Bucket": media } },
      problem: "KRATE_LFS_BUCKETS_FILE, buckets.My Bucket: the name must be a DNS-1123 name",
    },
    {
      reason: "credentials, which do not belong here",
      value: { buckets: { media: { ...media, secretAccessKey: "s" } } },
      problem:
        'KRATE_LFS_BUCKETS_FILE, buckets.media: "secretAccessKey" is not known; bucket, endpoint, region, prefix, forcePathStyle are',
    },
    {
      reason: "an address that is none",
      value: { buckets: { media: { ...media, endpoint: "s3.example.org" } } },
      problem: 'KRATE_LFS_BUCKETS_FILE, buckets.media.endpoint: "s3.example.org" must be http(s)://host:port',
    },
    {
      reason: "a prefix that leads elsewhere",
      value: { buckets: { media: { ...media, prefix: "../other" } } },
      problem:
        'KRATE_LFS_BUCKETS_FILE, buckets.media.prefix: must be names of letters, digits, ".", "_" and "-", with single slashes between them',
    },
    {
      reason: "no bucket",
      value: { buckets: { media: {} } },
      problem: "KRATE_LFS_BUCKETS_FILE, buckets.media.bucket: must be a text",
    },
  ])("$reason", ({ value, problem }) => {
    expect(() => read(value)).toThrow(new Error(problem));
  });

  test("text that is not JSON", () => {
    expect(() => readBucketsConfig("{")).toThrow("KRATE_LFS_BUCKETS_FILE is not JSON");
  });
});

describe("where the large files of a repository live", () => {
  const view = (bucket?: string) =>
    ({ namespace: "acme", name: "art", lfs: { enabled: true, ...(bucket && { bucket }) } }) as RepositoryView;
  const buckets = { media: { bucket: "lfs" }, archive: { bucket: "old" } };

  test.each([
    { reason: "on disk where the platform has no buckets", config: undefined, asked: undefined, name: "disk" },
    { reason: "on disk where none is the default", config: { buckets }, asked: undefined, name: "disk" },
    { reason: "in the default", config: { default: "media", buckets }, asked: undefined, name: 'bucket "media"' },
    {
      reason: "in the one it names",
      config: { default: "media", buckets },
      asked: "archive",
      name: 'bucket "archive"',
    },
  ])("$reason", async ({ config, asked, name }) => {
    const stores = new LfsStores(config && (await openBuckets(read(config))));
    expect(stores.of(view(asked)).name).toBe(name);
  });

  test("nowhere when it names one the platform has not: never elsewhere without a word", async () => {
    const stores = new LfsStores(await openBuckets(read({ default: "media", buckets })));
    expect(() => stores.of(view("constructor"))).toThrow(
      'spec.objectStorage.bucketRef of repository "acme/art" is "constructor", a bucket this gateway does not know (it knows "media", "archive")',
    );
  });
});
