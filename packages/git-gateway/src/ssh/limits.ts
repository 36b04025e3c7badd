import type { Algorithms } from "ssh2";

/** Bounds of the SSH server: what strangers can make it hold. */
export interface SshLimits {
  /** Connections at once. @defaultValue 1,000 */
  maxConnections: number;
  /** Connections at once from one address. @defaultValue 100; a build farm behind one address needs many */
  maxConnectionsPerSource: number;
  /** Connections at once that have not proved who they are. @defaultValue 200 */
  maxUnauthenticated: number;
  /** From the first byte to being authenticated, in milliseconds. @defaultValue 30 s */
  loginTimeoutMs: number;
  /** Keys a client may offer. @defaultValue 10 */
  maxAuthTries: number;
  /** Without a command running, in milliseconds. @defaultValue 5 min */
  idleTimeoutMs: number;
  /** Of a running command, without a byte in either direction, in milliseconds. @defaultValue 10 min, as over HTTP */
  silenceTimeoutMs: number;
  /** Commands at once on one connection. @defaultValue 8 */
  maxChannels: number;
  /** Sessions one connection may open in its life: ssh2 forgets none of them before its end. @defaultValue 1,000 */
  maxSessions: number;
}

export const defaultSshLimits: Readonly<SshLimits> = {
  maxConnections: 1_000,
  maxConnectionsPerSource: 100,
  maxUnauthenticated: 200,
  loginTimeoutMs: 30_000,
  maxAuthTries: 10,
  idleTimeoutMs: 5 * 60_000,
  silenceTimeoutMs: 10 * 60_000,
  maxChannels: 8,
  maxSessions: 1_000,
};

/** Bytes of answers that may wait for a client to read them. Above, writing waits; far above, somebody makes us answer without reading. */
export const maxUnsentBytes = 1024 * 1024;
export const maxAbusedBytes = 16 * 1024 * 1024;
/** Bytes of one channel that may wait to be read: the window is 2 MiB, and who sends more ignores it. */
export const maxUnreadBytes = 4 * 1024 * 1024;

/**
 * Algorithms, best first. ssh2 knows no others that are not weaker: neither SHA-1 nor CBC nor compression, which a stranger can
 * use as a bomb, and no finite-field exchange but one, because those cost the server more than the client.
 */
export const algorithms: Algorithms = {
  kex: [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
  ],
  serverHostKey: ["ssh-ed25519"],
  cipher: [
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes128-ctr",
  ],
  hmac: ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"],
  compress: ["none"],
};
