/**
 * `krate login`: SSH access with what kubectl signs in with. A key is made once; the gateway certifies it for a working day on the
 * token of the kubeconfig, and ssh shows both (D13). Nothing has to be registered, nothing has to be revoked.
 *
 *     krate login && git -c core.sshCommand="ssh -F ~/.ssh/krate/config" clone ssh://git@127.0.0.1:7022/krate-org-demo/hello.git
 */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { credentialsOf, loadKubeConfig } from "@krate/kube";
import { formatSshPublicKey, readSshPublicKey, sshKeyFile } from "@krate/pki/ssh";

export interface LoginOptions {
  /** git-gateway as clients reach it. */
  gitUrl: string;
  /** Where key, certificate and ssh's configuration go. */
  folder: string;
  kubeconfig?: string;
  context?: string;
}

/** What the gateway answers (git-gateway, `http/ssh-certificate.ts`). */
export interface IssuedCertificate {
  user: string;
  certificate: string;
  expiresAt: string;
  sshUrl: string;
  hostKey: string;
}

const requestTimeoutMilliseconds = 30_000;
const answerLimitBytes = 128 * 1024;

/** Signs in and writes the files. @throws Error saying what to do */
export async function login(options: LoginOptions): Promise<IssuedCertificate & { configFile: string }> {
  const { folder } = options;
  const authorization = await authorizationOf(options);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const keyFile = join(folder, "id_ed25519");
  const { blob } = sshKeyFile(keyFile, "krate");
  const issued = await askForCertificate(options.gitUrl, authorization, formatSshPublicKey(blob));
  const server = new URL(issued.sshUrl);
  const host = server.hostname.replace(/^\[|\]$/g, "");
  const port = server.port || "22";
  writeFileSync(`${keyFile}-cert.pub`, `${issued.certificate}\n`, { mode: 0o644 });
  writeFileSync(join(folder, "known_hosts"), `[${host}]:${port} ${issued.hostKey}\n`, { mode: 0o644 });
  const configFile = join(folder, "config");
  writeFileSync(configFile, sshConfig(host, port, folder), { mode: 0o644 });
  return { ...issued, configFile };
}

async function authorizationOf({ kubeconfig, context }: LoginOptions): Promise<string> {
  const config = await loadKubeConfig(kubeconfig, context ? { context } : {});
  const authorization = await credentialsOf(config).authorization();
  if (!authorization?.startsWith("Bearer "))
    throw new Error(
      "the kubeconfig context has no bearer token (a client certificate is not enough): use a context with a token, tokenFile or exec plugin",
    );
  return authorization;
}

async function askForCertificate(gitUrl: string, authorization: string, publicKey: string): Promise<IssuedCertificate> {
  const url = `${gitUrl.replace(/\/+$/, "")}/-/ssh/certificate`;
  let status: number;
  let text: string;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify({ publicKey }),
      redirect: "error",
      signal: AbortSignal.timeout(requestTimeoutMilliseconds),
    });
    status = response.status;
    text = (await response.text()).slice(0, answerLimitBytes);
  } catch (cause) {
    throw new Error(`the Git gateway at ${gitUrl} cannot be reached: is it running, is --git-url right?`, { cause });
  }
  if (status !== 200) throw new Error(`the Git gateway refused (${status}): ${messageOf(text)}`);
  return readAnswer(text);
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text.slice(0, 500);
  }
}

/** The files are for ssh to believe, so nothing goes into them unseen. */
function readAnswer(text: string): IssuedCertificate {
  const answer = JSON.parse(text) as IssuedCertificate;
  const line = /^ssh-ed25519-cert-v01@openssh\.com [A-Za-z0-9+/=]+$/;
  if (!line.test(answer.certificate)) throw new Error("the Git gateway answered with no certificate");
  if (!/^ssh:\/\/git@[A-Za-z0-9.:[\]-]+$/.test(answer.sshUrl))
    throw new Error("the Git gateway answered with no SSH URL");
  readSshPublicKey(answer.hostKey);
  if (answer.hostKey.includes("\n")) throw new Error("the Git gateway answered with no host key");
  return answer;
}

/** Takes effect for this host and port only, whether named by `ssh -F` or included into one's own configuration. */
export function sshConfig(host: string, port: string, folder: string): string {
  const quoted = (file: string) => JSON.stringify(join(folder, file));
  return [
    "# Written by `krate login`; another login replaces it.",
    `Match originalhost ${host} exec "test %p = ${port}"`,
    "  User git",
    `  IdentityFile ${quoted("id_ed25519")}`,
    `  CertificateFile ${quoted("id_ed25519-cert.pub")}`,
    "  IdentitiesOnly yes",
    `  UserKnownHostsFile ${quoted("known_hosts")}`,
    "",
  ].join("\n");
}

/** What a person reads after signing in. */
export function describeLogin({
  user,
  expiresAt,
  sshUrl,
  configFile,
}: IssuedCertificate & { configFile: string }): string {
  return [
    `Signed in as ${user} until ${new Date(expiresAt).toLocaleString()}.`,
    "",
    `  git -c core.sshCommand="ssh -F ${configFile}" clone ${sshUrl}/<namespace>/<repository>.git`,
    "",
    `Or once, for every git and ssh: put  Include ${configFile}  at the top of ~/.ssh/config.`,
    "",
  ].join("\n");
}
