import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createSshKey, formatSshPublicKey, readSshPublicKey, type SshKeyPair } from "@krate/pki/ssh";
import { createLogger } from "@krate/telemetry";
import { LfsTokens } from "../lfs/lfs-tokens.ts";
import type { Identity } from "../ports.ts";
import type { PackLimits } from "../receive-pack/quarantine.ts";
import { SshCertificates } from "../ssh/certificates.ts";
import type { SshLimits } from "../ssh/limits.ts";
import type { SshKeys } from "../ssh/ports.ts";
import { createSshServer, type SshServer } from "../ssh/server.ts";
import { GatewayFixture, type GitOutcome, git } from "./gateway-fixture.ts";

/** Keys in memory: fingerprint and namespace to who the holder is. */
export class MemorySshKeys implements SshKeys {
  readonly identities = new Map<string, Identity>();
  readonly disabled = new Set<string>();
  readonly uses: string[] = [];

  register(key: Buffer, namespace: string, identity: Identity): void {
    this.identities.set(`${fingerprint(key)} ${namespace}`, identity);
  }

  revoke(key: Buffer): void {
    for (const name of this.identities.keys()) if (name.startsWith(fingerprint(key))) this.identities.delete(name);
  }

  usersOf(print: string): string[] {
    return [...this.identities].filter(([name]) => name.startsWith(`${print} `)).map(([, { user }]) => user);
  }

  identityOf(print: string, { namespace }: { namespace: string }): Identity | undefined {
    return this.identities.get(`${print} ${namespace}`);
  }

  used(print: string, namespace: string): void {
    this.uses.push(`${print} ${namespace}`);
  }

  isDisabled(user: string): boolean {
    return this.disabled.has(user);
  }
}

function fingerprint(key: Buffer): string {
  return readSshPublicKey(formatSshPublicKey(key)).fingerprint;
}

/** A gateway that is reached by SSH, with the real ssh and git in front of it. */
export class SshFixture {
  readonly gateway: GatewayFixture;
  readonly keys = new MemorySshKeys();
  readonly authority = createSshKey("authority");
  /** The clock certificates are judged by. */
  now = new Date();
  readonly certificates = new SshCertificates(this.authority, () => this.now);
  readonly #server: SshServer;
  port = 0;

  private constructor(gateway: GatewayFixture, limits: Partial<SshLimits>) {
    this.gateway = gateway;
    const hostKey = createSshKey("host").file;
    const tokens = new LfsTokens(hostKey, () => this.now);
    gateway.lfs.ssh = { tokens, credentials: { keys: this.keys, certificates: this.certificates } };
    this.#server = createSshServer({
      hostKey,
      credentials: { keys: this.keys, certificates: this.certificates },
      access: gateway.cluster.access,
      git: gateway.services,
      lfs: { tokens, publicUrl: () => gateway.origin },
      limits,
      log: createLogger({ component: "ssh-test", level: "fatal" }),
    });
  }

  static async start(limits: Partial<SshLimits> = {}, packs: Partial<PackLimits> = {}): Promise<SshFixture> {
    const fixture = new SshFixture(await GatewayFixture.start(packs), limits);
    fixture.port = await fixture.#server.listen({ host: "127.0.0.1", port: 0 });
    return fixture;
  }

  /** Ends the SSH server alone. */
  close(graceMs: number): Promise<void> {
    return this.#server.close(graceMs);
  }

  async stop(): Promise<void> {
    await this.#server.close(2_000);
    await this.gateway.stop();
  }

  /** A key in a file, of nobody yet. */
  async newKey(name: string): Promise<SshKeyPair & { path: string; file: string }> {
    const key = createSshKey(name);
    const path = join(this.gateway.folder, `key-${name}`);
    await writeFile(path, key.file, { mode: 0o600 });
    await writeFile(`${path}.pub`, `${formatSshPublicKey(key.blob, name)}\n`);
    return { ...key, path };
  }

  /** A key of a user in namespace "acme". */
  async userKey(user: string, more: Partial<Identity> = {}): Promise<SshKeyPair & { path: string; file: string }> {
    const key = await this.newKey(user);
    this.keys.register(key.blob, "acme", { user, groups: ["system:authenticated"], ...more });
    return key;
  }

  url(repository: string): string {
    return `ssh://git@127.0.0.1:${this.port}/acme/${repository}.git`;
  }

  /** The ssh client with one key and nothing of this machine's configuration. */
  sshCommand(keyPath: string): string[] {
    const options = [
      "IdentitiesOnly=yes",
      "IdentityAgent=none",
      "StrictHostKeyChecking=no",
      "UserKnownHostsFile=/dev/null",
      "GlobalKnownHostsFile=/dev/null",
      "LogLevel=ERROR",
      "BatchMode=yes",
    ];
    return ["ssh", "-F", "/dev/null", "-i", keyPath, ...options.flatMap((option) => ["-o", option])];
  }

  /** Runs ssh and sends a flush, which ends any Git service well; never throws for an exit code. */
  ssh(keyPath: string, args: string[], login = "git"): Promise<GitOutcome> {
    const [command = "", ...before] = this.sshCommand(keyPath);
    const all = [...before, "-p", String(this.port), `${login}@127.0.0.1`, ...args];
    return new Promise((resolve) => {
      execFile(command, all, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
      ).stdin?.end("0000");
    });
  }

  /** Runs git, which runs ssh with the key. */
  git(keyPath: string, args: string[], cwd = this.gateway.folder): Promise<GitOutcome> {
    return git(args, cwd, { GIT_SSH_COMMAND: this.sshCommand(keyPath).join(" ") });
  }
}
