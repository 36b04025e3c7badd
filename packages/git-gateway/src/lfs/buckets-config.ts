/** An S3 bucket, or one of a server that speaks S3. */
export interface BucketConfig {
  /** Its name at the server. */
  bucket: string;
  /** Address of a server that is not AWS. */
  endpoint?: string;
  region: string;
  /** All keys begin with it. */
  prefix?: string;
  /** `https://host/bucket/key` instead of `https://bucket.host/key`, as most servers want it. @defaultValue true with an endpoint */
  forcePathStyle: boolean;
}

export interface BucketsConfig {
  /** Bucket of repositories that name none; absent: those keep large files on disk. */
  default?: string;
  buckets: Record<string, BucketConfig>;
}

const bucketForm = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const nameForm = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/**
 * Reads the buckets of a platform:
 *
 *   { "default": "media", "buckets": { "media": { "bucket": "acme-krate-lfs", "region": "eu-central-1" },
 *     "archive": { "bucket": "lfs", "endpoint": "https://minio.example.org", "region": "us-east-1", "prefix": "krate" } } }
 *
 * The names are what `spec.objectStorage.bucketRef` may be. Credentials are not in it: they come as the AWS SDK finds them (the
 * environment, a file, the pod's identity).
 * @throws {Error} saying what is wrong where
 */
export function readBucketsConfig(text: string): BucketsConfig {
  const root = recordOf(parse(text), "", ["default", "buckets"]);
  const entries = Object.entries(recordOf(root.buckets, "buckets")).map(([name, value]) => {
    if (!nameForm.test(name)) throw wrong(`buckets.${name}`, "the name must be a DNS-1123 name");
    return [name, bucketOf(value, `buckets.${name}`)] as const;
  });
  const fallback = root.default === undefined ? undefined : textOf(root.default, "default");
  if (fallback !== undefined && !entries.some(([name]) => name === fallback))
    throw wrong("default", `"${fallback}" is not one of buckets`);
  return { ...(fallback !== undefined && { default: fallback }), buckets: Object.fromEntries(entries) };
}

function bucketOf(value: unknown, where: string): BucketConfig {
  const fields = recordOf(value, where, ["bucket", "endpoint", "region", "prefix", "forcePathStyle"]);
  const bucket = textOf(fields.bucket, `${where}.bucket`);
  if (!bucketForm.test(bucket)) throw wrong(`${where}.bucket`, `"${bucket}" is not a bucket name`);
  const endpoint = fields.endpoint === undefined ? undefined : textOf(fields.endpoint, `${where}.endpoint`);
  if (endpoint !== undefined && !/^https?:\/\/[^/?#@]+\/?$/.test(endpoint))
    throw wrong(`${where}.endpoint`, `"${endpoint}" must be http(s)://host:port`);
  const prefix = fields.prefix === undefined ? undefined : textOf(fields.prefix, `${where}.prefix`);
  if (prefix !== undefined && !isKeyPrefix(prefix)) throw wrong(`${where}.prefix`, keyPrefixForm);
  const forcePathStyle = fields.forcePathStyle ?? endpoint !== undefined;
  if (typeof forcePathStyle !== "boolean") throw wrong(`${where}.forcePathStyle`, "must be true or false");
  return {
    bucket,
    region: fields.region === undefined ? "us-east-1" : textOf(fields.region, `${where}.region`),
    forcePathStyle,
    ...(endpoint !== undefined && { endpoint }),
    ...(prefix !== undefined && { prefix }),
  };
}

export const keyPrefixForm = 'must be names of letters, digits, ".", "_" and "-", with single slashes between them';

/** What may stand in front of a key, without a slash at either end. */
export function isKeyPrefix(text: string): boolean {
  return /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(text) && !text.split("/").some((part) => /^\.+$/.test(part));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error("KRATE_LFS_BUCKETS_FILE is not JSON", { cause });
  }
}

function recordOf(value: unknown, where: string, known?: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(where, "must be an object");
  const unknown = known && Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw wrong(where, `"${unknown}" is not known; ${known?.join(", ")} are`);
  return value as Record<string, unknown>;
}

function textOf(value: unknown, where: string): string {
  if (typeof value !== "string" || value === "") throw wrong(where, "must be a text");
  return value;
}

function wrong(where: string, problem: string): Error {
  return new Error(`KRATE_LFS_BUCKETS_FILE${where && `, ${where}`}: ${problem}`);
}
