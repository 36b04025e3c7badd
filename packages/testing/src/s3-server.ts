import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { binaryPath, missingPrograms } from "./control-plane/binaries.ts";
import { type Child, startChild } from "./control-plane/child.ts";
import { startGuard } from "./control-plane/guard.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";

/** A server that speaks S3, with its objects in a folder. */
export interface S3Server extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`; stays the same over `stop` and `start`. */
  url: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  /** Folder of a bucket: an object is the file named by its key. */
  bucketFolder(bucket: string): string;
  stop(): Promise<void>;
  /** Starts it again after `stop`. */
  start(): Promise<void>;
}

const credentials = { accessKeyId: "krate", secretAccessKey: "krate-secret" };

/**
 * Starts Versity's S3 gateway over a folder and makes the buckets. It ends with this process, however that ends; the test keeps its
 * folder. Nothing is built here.
 *
 * @throws Error that names what is not built, or holds the end of the server's log
 */
export async function startS3Server(folder: string, buckets: readonly string[]): Promise<S3Server> {
  if (missingPrograms(["versitygw"]).length > 0)
    throw new Error("cannot start an S3 server: it is not built: run hack/control-plane build versitygw");
  const bucketFolder = (bucket: string) => join(folder, "buckets", bucket);
  for (const bucket of buckets) await mkdir(bucketFolder(bucket), { recursive: true });
  await mkdir(join(folder, "metadata"), { recursive: true });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const guard = startGuard();
  let child: Child | undefined;
  const start = async () => {
    const { accessKeyId, secretAccessKey } = credentials;
    // Attributes in files of their own: not every file system of a test machine has extended ones.
    const backend = ["posix", "--sidecar", join(folder, "metadata"), join(folder, "buckets")];
    const args = ["--port", `127.0.0.1:${port}`, "--access", accessKeyId, "--secret", secretAccessKey, "--quiet"];
    const started = startChild(guard, "versitygw", binaryPath("versitygw"), [...args, ...backend], join(folder, "log"));
    child = started;
    const answers = () =>
      fetch(url).then(
        (response) => response.body?.cancel().then(() => true) ?? true,
        () => false,
      );
    await Promise.race([eventually(answers, { timeoutSeconds: 30, description: "the S3 server" }), started.failure]);
  };
  const stop = async () => {
    await child?.stop(5);
    child = undefined;
  };
  const close = async () => {
    await stop();
    await guard.close();
  };
  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return { url, credentials, bucketFolder, start, stop, [Symbol.asyncDispose]: close };
}
