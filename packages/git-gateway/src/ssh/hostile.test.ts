/** What strangers and members can do to the SSH server without going through git. */
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { createSshKey, formatSshPublicKey } from "@krate/pki/ssh";
import { eventually } from "@krate/testing";
import ssh2 from "ssh2";
import { SshFixture } from "../testing/ssh-fixture.ts";
import type { SshLimits } from "./limits.ts";

let fixture: SshFixture;
const clients: ssh2.Client[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  for (const socket of sockets.splice(0)) socket.destroy();
  await fixture.stop();
});

async function start(limits: Partial<SshLimits> = {}): Promise<void> {
  fixture = await SshFixture.start(limits);
}

async function rawConnection(): Promise<Socket> {
  const socket = connect(fixture.port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Whether the server has hung up. */
async function hungUp(socket: Socket): Promise<boolean> {
  socket.resume();
  if (!socket.closed) await once(socket, "close");
  return true;
}

/** A client that is signed in as alice. */
async function signedIn(options: ssh2.ConnectConfig = {}): Promise<ssh2.Client> {
  const key = createSshKey("alice");
  fixture.keys.register(key.blob, "acme", { user: "alice", groups: [] });
  return connected({ privateKey: key.file, ...options });
}

async function connected(options: ssh2.ConnectConfig): Promise<ssh2.Client> {
  const client = new ssh2.Client();
  clients.push(client);
  await new Promise<void>((resolve, reject) => {
    client.once("ready", resolve).once("error", reject);
    client.once("close", () => reject(new Error("the server closed the connection")));
    client.connect({ host: "127.0.0.1", port: fixture.port, username: "git", ...options });
  });
  client.on("error", () => undefined);
  return client;
}

function exec(client: ssh2.Client, command: string): Promise<ssh2.ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}

/** Everything a channel says until it closes. */
async function outcome(channel: ssh2.ClientChannel): Promise<{ code: number | null; stderr: string }> {
  let stderr = "";
  let code: number | null = null;
  channel.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
  });
  channel.on("exit", (status: number | null) => {
    code = status;
  });
  channel.resume();
  await once(channel, "close");
  return { code, stderr };
}

test("who says nothing, or half a greeting, is hung up on", async () => {
  await start({ loginTimeoutMs: 200 });
  const [silent, slow, mute] = [await rawConnection(), await rawConnection(), await rawConnection()];
  slow.write("SSH-2.0-slow");
  mute.write("SSH-2.0-mute\r\n");
  expect(await Promise.all([silent, slow, mute].map(hungUp))).toEqual([true, true, true]);
});

test("garbage instead of the protocol is hung up on, and others are served", async () => {
  await start();
  for (const bytes of [
    "GET / HTTP/1.1\r\n\r\n",
    "SSH-1.99-old\r\n",
    `SSH-2.0-x\r\n${"\xff".repeat(40_000)}`,
    "\0".repeat(100_000),
  ]) {
    const socket = await rawConnection();
    socket.write(Buffer.from(bytes, "latin1"));
    socket.end();
    expect(await hungUp(socket)).toBe(true);
  }
  await signedIn();
});

test("connections of one address are counted, and room is made again", async () => {
  await start({ maxConnectionsPerSource: 3 });
  const open = [await rawConnection(), await rawConnection(), await rawConnection()];
  expect(await hungUp(await rawConnection())).toBe(true);
  open[0]?.destroy();
  await eventually(() => signedIn(), { description: "room for another connection" });
});

test("connections that are not signed in leave room for those that are", async () => {
  await start({ maxUnauthenticated: 2 });
  await signedIn();
  await rawConnection();
  await rawConnection();
  expect(await hungUp(await rawConnection())).toBe(true);
});

test("all connections together are counted", async () => {
  await start({ maxConnections: 2 });
  await signedIn();
  await signedIn();
  await expect(signedIn()).rejects.toThrow();
});

test("offering keys ends after as many as are allowed", async () => {
  await start({ maxAuthTries: 3 });
  const good = createSshKey("alice");
  fixture.keys.register(good.blob, "acme", { user: "alice", groups: [] });
  const offer = (bad: number) => {
    const files = [...Array.from({ length: bad }, () => createSshKey("bad")), good].map(({ file }) => file);
    let next = 0;
    // Methods are "none" first, which costs no try.
    return connected({
      authHandler: (_left, _partial, callback) => {
        const key = files[next++];
        // `false` ends it, which the types do not know.
        callback(key === undefined ? (false as never) : { type: "publickey", username: "git", key });
      },
    });
  };
  await offer(1);
  await expect(offer(5)).rejects.toThrow();
});

test.each([
  { reason: "passwords", options: { password: "secret" } },
  { reason: "questions", options: { tryKeyboard: true } },
  { reason: "nothing at all", options: {} },
  { reason: "a key nobody registered", options: { privateKey: createSshKey("x").file } },
])("nobody signs in by $reason", async ({ options }) => {
  await start();
  await expect(connected(options)).rejects.toThrow("All configured authentication methods failed");
});

test("a key that is shown but not held does not sign in", async () => {
  await start();
  const registered = createSshKey("alice");
  fixture.keys.register(registered.blob, "acme", { user: "alice", groups: [] });
  const other = ssh2.utils.parseKey(createSshKey("mallory").file);
  const shown = ssh2.utils.parseKey(formatSshPublicKey(registered.blob));
  if (other instanceof Error || shown instanceof Error) throw new Error("unreachable: both are keys");
  class Forging extends ssh2.BaseAgent<ssh2.ParsedKey> {
    override getIdentities(callback: (error: undefined, keys: ssh2.ParsedKey[]) => void): void {
      callback(undefined, [shown as ssh2.ParsedKey]);
    }
    override sign(
      _key: unknown,
      data: Buffer,
      _options: unknown,
      callback?: (error: undefined, signature: Buffer) => void,
    ): void {
      callback?.(undefined, (other as ssh2.ParsedKey).sign(data));
    }
  }
  await expect(connected({ agent: new Forging() })).rejects.toThrow("All configured authentication methods failed");
});

test.each([
  { reason: "SHA-1 key exchange", algorithms: { kex: ["diffie-hellman-group14-sha1"] } },
  { reason: "a group of 1024 bits", algorithms: { kex: ["diffie-hellman-group1-sha1"] } },
  { reason: "CBC", algorithms: { cipher: ["aes128-cbc"] } },
  { reason: "3DES", algorithms: { cipher: ["3des-cbc"] } },
  { reason: "MD5", algorithms: { cipher: ["aes128-ctr"], hmac: ["hmac-md5"] } },
  { reason: "SHA-1", algorithms: { cipher: ["aes128-ctr"], hmac: ["hmac-sha1"] } },
  { reason: "RSA host keys", algorithms: { serverHostKey: ["ssh-rsa"] } },
  { reason: "compression", algorithms: { compress: ["zlib"] } },
])("no agreement on weak algorithms: $reason", async ({ algorithms }) => {
  await start();
  await expect(signedIn({ algorithms: algorithms as ssh2.Algorithms })).rejects.toThrow(/no matching/);
});

test("commands at once are counted per connection", async () => {
  await start({ maxChannels: 2 });
  await fixture.gateway.createRepository("busy");
  const client = await signedIn();
  const command = "git-receive-pack '/acme/busy'";
  const [first] = [await exec(client, command), await exec(client, command)];
  await expect(exec(client, command)).rejects.toThrow();
  first?.end("0000");
  await outcome(first as ssh2.ClientChannel);
  await eventually(() => exec(client, command), { description: "room for another command" });
});

test("sessions are counted over the life of a connection", async () => {
  await start({ maxSessions: 3 });
  const client = await signedIn();
  const closed = once(client, "close");
  for (let i = 0; i < 3; i++) await outcome(await exec(client, "id"));
  await expect(exec(client, "id")).rejects.toThrow();
  await closed;
});

test("a connection without a command, and a command without a word, end", async () => {
  await start({ idleTimeoutMs: 200 });
  await once(await signedIn(), "close");
  await fixture.stop();
  await start({ silenceTimeoutMs: 200 });
  await fixture.gateway.createRepository("silent");
  const channel = await exec(await signedIn(), "git-receive-pack '/acme/silent'");
  expect(await outcome(channel)).toEqual({ code: 128, stderr: "krate: nothing was sent for 0.2 s\n" });
});

test("a client that sends beyond its window is cut off", async () => {
  await start();
  const path = await fixture.gateway.createRepository("flood");
  const work = await fixture.gateway.workTree("work-flood", "flood");
  const head = (await fixture.gateway.git(["rev-parse", "HEAD"], work)).stdout.trim();
  await fixture.gateway.git(["push", "-q", path, "main"], work);
  // A ref list longer than the client's window: git waits to write it and reads nothing, so neither do we.
  const refs = Array.from({ length: 60_000 }, (_, i) => `${head} refs/heads/b${String(i).padStart(5, "0")}\n`);
  await writeFile(join(path, "packed-refs"), `# pack-refs with: peeled fully-peeled sorted \n${refs.join("")}`);
  const client = await signedIn();
  const channel = await exec(client, "git-upload-pack '/acme/flood'");
  const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
  // ssh2 keeps to the window it was given: it is told that it was given more.
  (channel as unknown as { outgoing: { window: number } }).outgoing.window = Number.MAX_SAFE_INTEGER;
  // Of a size that does not divide the window: at exactly 0 ssh2 throws away what comes.
  const flood = Buffer.alloc(30_001, "f");
  for (let i = 0; i < 1_000; i++) channel.write(flood);
  await closed;
});

test("stopping waits for a push under way and takes no new one", async () => {
  await start();
  await fixture.gateway.createRepository("last");
  const client = await signedIn();
  const channel = await exec(client, "git-receive-pack '/acme/last'");
  const over = outcome(channel);
  const closing = fixture.close(60_000);
  await expect(rawConnection()).rejects.toThrow();
  channel.end("0000");
  expect(await over).toEqual({ code: 0, stderr: "" });
  await closing;
});

test("stopping ends what takes longer than it may", async () => {
  await start();
  await fixture.gateway.createRepository("stuck");
  const client = await signedIn();
  const channel = await exec(client, "git-receive-pack '/acme/stuck'");
  const over = outcome(channel);
  await fixture.close(50);
  expect((await over).code).not.toBe(0);
});
