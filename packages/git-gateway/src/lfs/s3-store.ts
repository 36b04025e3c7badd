import { Readable } from "node:stream";
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from "@aws-sdk/client-s3";
import { GatewayError } from "../access/gateway-error.ts";
import { type BucketConfig, isKeyPrefix, keyPrefixForm } from "./buckets-config.ts";
import {
  type ByteRange,
  LfsContentError,
  type LfsObject,
  type LfsRepository,
  type LfsStore,
  LfsUnavailableError,
} from "./lfs-store.ts";
import { ensureStorageId, storageIdOf } from "./storage-id.ts";
import { verifiedContent } from "./verified-content.ts";

const connectTimeoutMs = 5_000;
/** Silence of the server, or of the client who sends a file through us; a transfer itself takes as long as it takes. */
const silenceTimeoutMs = 120_000;
/** More than transfers of one busy repository; what comes beyond waits for its turn. */
const maxSockets = 256;

/** What fails is logged by the gateway, which knows for whom. */
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/**
 * Large files in a bucket of S3, or of a server that speaks it:
 *
 *   <prefix of the platform>/<prefix of the repository>/<namespace>/<name>/<storage id>/ab/<oid>
 *
 * Content passes through the gateway, which checks it on the way; the server checks it as well, because the id is the SHA-256 that
 * S3 wants to be told. An object appears when the server has all of it, so an upload that breaks off leaves nothing.
 */
export class S3LfsStore implements LfsStore {
  readonly name: string;
  readonly #client: S3Client;
  readonly #config: BucketConfig;

  constructor(reference: string, config: BucketConfig, credentials?: S3ClientConfig["credentials"]) {
    this.name = `bucket "${reference}"`;
    this.#config = config;
    this.#client = new S3Client({
      region: config.region,
      forcePathStyle: config.forcePathStyle,
      ...(config.endpoint && { endpoint: config.endpoint }),
      ...(credentials && { credentials }),
      // Servers other than AWS do not all know the newer checksums; each object has its SHA-256 anyway.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      logger: silent,
      requestHandler: {
        connectionTimeout: connectTimeoutMs,
        socketTimeout: silenceTimeoutMs,
        httpAgent: { maxSockets },
        httpsAgent: { maxSockets },
      },
      maxAttempts: 2,
    });
  }

  async sizeOf(repository: LfsRepository, oid: string): Promise<number | undefined> {
    const key = await this.#existingKey(repository, oid);
    if (key === undefined) return undefined;
    try {
      const head = await this.#client.send(new HeadObjectCommand({ Bucket: this.#config.bucket, Key: key }));
      return head.ContentLength;
    } catch (error) {
      if (statusOf(error) !== 404) throw this.#unavailable(error);
      // Without a body nothing tells a missing object from a missing bucket: only the second is an accident.
      const found = await this.#get(key, { start: 0, end: 0 });
      found?.destroy();
      return undefined;
    }
  }

  async read(repository: LfsRepository, oid: string, range?: ByteRange): Promise<Readable | undefined> {
    const key = await this.#existingKey(repository, oid);
    if (key === undefined) return undefined;
    return this.#get(key, range);
  }

  async #get(key: string, range: ByteRange | undefined): Promise<Readable | undefined> {
    const part = range && { Range: `bytes=${range.start}-${range.end}` };
    try {
      const { Body } = await this.#client.send(
        new GetObjectCommand({ Bucket: this.#config.bucket, Key: key, ...part }),
      );
      if (!(Body instanceof Readable)) throw new TypeError("the S3 client answered no stream");
      return Body;
    } catch (error) {
      if ((error as Error).name === "NoSuchKey") return undefined;
      throw this.#unavailable(error);
    }
  }

  async write(
    repository: LfsRepository,
    object: LfsObject,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const key = this.#key(repository, await ensureStorageId(repository.backend), object.oid);
    let problem: Error | undefined;
    // The client's own failure must not look like one of the bucket, which is all the SDK tells apart.
    const checked = Readable.from(verifiedContent(content, object), { objectMode: false }).once(
      "error",
      (error: Error) => {
        problem = error;
      },
    );
    const put = new PutObjectCommand({
      Bucket: this.#config.bucket,
      Key: key,
      Body: checked,
      ContentLength: object.size,
      ContentType: "application/octet-stream",
      ChecksumSHA256: Buffer.from(object.oid, "hex").toString("base64"),
    });
    // Signs the request with the SHA-256 it must have: the server refuses any other content.
    put.middlewareStack.add(
      (next) => (args) => {
        (args.request as { headers: Record<string, string> }).headers["x-amz-content-sha256"] = object.oid;
        return next(args);
      },
      { step: "build", name: "signedPayload", priority: "low" },
    );
    const broken = new AbortController();
    checked.once("error", (error) => broken.abort(error));
    try {
      await this.#client.send(put, { abortSignal: AbortSignal.any([signal, broken.signal]) });
    } catch (error) {
      if (problem !== undefined) throw problem;
      signal.throwIfAborted();
      if (error instanceof LfsContentError) throw error;
      throw this.#unavailable(error);
    } finally {
      checked.destroy();
    }
  }

  async #existingKey(repository: LfsRepository, oid: string): Promise<string | undefined> {
    const id = await storageIdOf(repository.backend);
    return id === undefined ? undefined : this.#key(repository, id, oid);
  }

  #key({ view }: LfsRepository, storageId: string, oid: string): string {
    const { namespace, name, lfs } = view;
    const own = lfs.prefix?.replace(/^\/+|\/+$/g, "");
    if (own && !isKeyPrefix(own))
      throw new GatewayError(
        501,
        `spec.objectStorage.prefix of repository "${namespace}/${name}" ${keyPrefixForm}: ask a repository admin to change it`,
      );
    return [this.#config.prefix, own, namespace, name, storageId, oid.slice(0, 2), oid].filter(Boolean).join("/");
  }

  #unavailable(cause: unknown): LfsUnavailableError {
    return new LfsUnavailableError(
      `large files cannot be reached at the moment: ${this.name} does not answer as it should; try again later (commits, trees and ` +
        "small files are not affected: GIT_LFS_SKIP_SMUDGE=1 clones without large files)",
      { cause },
    );
  }
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}
