/**
 * `krate credential`: Git's credential helper. Git asks "which user name and password for this host?", and the answer is the
 * bearer token that kubectl would use: nothing is stored, nothing is typed (ID-02).
 *
 *     git config --global credential.http://127.0.0.1:7081.helper '!krate credential'
 *
 * Source: git-credential(1), "INPUT/OUTPUT FORMAT": lines `key=value`, ended by a blank line.
 */
import { credentialsOf, loadKubeConfig } from "@krate/kube";

export type CredentialAction = "get" | "store" | "erase";

const inputLimitBytes = 64 * 1024;

/** Parses what git writes to a helper; throws on lines without `=` and on too much input. */
export function parseCredentialInput(text: string): Record<string, string> {
  if (text.length > inputLimitBytes)
    throw new Error(`git sent more than ${inputLimitBytes} bytes to the credential helper`);
  const attributes: Record<string, string> = {};
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const separator = line.indexOf("=");
    if (separator < 1) throw new Error(`git sent "${line}" to the credential helper where key=value is expected`);
    attributes[line.slice(0, separator)] = line.slice(separator + 1);
  }
  return attributes;
}

/** What the helper answers: nothing for store and erase, because there is nothing to store. */
export async function answerCredential(
  action: CredentialAction,
  input: string,
  options: { kubeconfig?: string; context?: string },
): Promise<string> {
  const attributes = parseCredentialInput(input);
  if (action !== "get" || !["http", "https"].includes(attributes.protocol ?? "")) return "";
  const config = await loadKubeConfig(options.kubeconfig, options.context ? { context: options.context } : {});
  const token = /^Bearer (.+)$/.exec((await credentialsOf(config).authorization()) ?? "")?.[1];
  if (!token) {
    throw new Error(
      "the kubeconfig context has no bearer token (a client certificate cannot be used for Git): use a context with a token, tokenFile or exec plugin",
    );
  }
  return `username=${attributes.username ?? "krate"}\npassword=${token}\n`;
}
