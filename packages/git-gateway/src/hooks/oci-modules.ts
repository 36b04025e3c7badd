/**
 * Modules from OCI registries. The digest of a module is the digest of the layer that holds it, so its blob is asked for directly
 * (OCI distribution specification, "Pulling blobs"):
 *
 *   GET /v2/<name>/blobs/<digest>     200 the bytes, after redirects / 401 with a Bearer challenge: an anonymous token is fetched once
 */
import { maxWasmModuleBytes } from "@krate/refpolicy";
import type { ModuleSource } from "./module-store.ts";

/** Longest one request may take, milliseconds. */
const timeoutMs = 10_000;
const imageReference =
  /^((?:[a-z0-9-]+\.)*[a-z0-9-]+(?::\d{1,5})?)\/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::[\w.-]{1,128})?(?:@sha256:[0-9a-f]{64})?$/;

export interface OciModulesOptions {
  /** Registries that may be asked, as `host` or `host:port`. Policies are written by people who must not reach just any host. */
  registries: readonly string[];
}

/** Modules that policies name by `image: <registry>/<name>`. Registries on localhost are asked over plain HTTP, as is custom. */
export function ociModules({ registries }: OciModulesOptions): ModuleSource {
  return {
    async fetch(_namespace, { image = "", digest }) {
      const [, registry, name] = imageReference.exec(image) ?? [];
      if (registry === undefined || name === undefined)
        throw new Error(
          `image ${JSON.stringify(image)} must be <registry>/<name>, such as registry.example.org/hooks/issue`,
        );
      if (!registries.includes(registry))
        throw new Error(
          `registry ${registry} may not be asked for hooks; the gateway's KRATE_GIT_HOOK_REGISTRIES lists those that may`,
        );
      const scheme = /^(localhost|127\.0\.0\.1)(:|$)/.test(registry) ? "http" : "https";
      const url = `${scheme}://${registry}/v2/${name}/blobs/${digest}`;
      let response = await get(url);
      if (response.status === 401) response = await get(url, await anonymousToken(response, `repository:${name}:pull`));
      if (!response.ok) throw new Error(`registry ${registry} answered ${response.status} for ${name} ${digest}`);
      return boundedBody(response);
    },
  };
}

function get(url: string, token?: string): Promise<Response> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return fetch(url, { headers, signal: AbortSignal.timeout(timeoutMs) });
}

/** A token for nobody in particular, from where the registry says (distribution specification, "Token authentication"). */
async function anonymousToken(response: Response, scope: string): Promise<string> {
  const challenge = response.headers.get("www-authenticate") ?? "";
  const value = (key: string) => new RegExp(`${key}="([^"]*)"`).exec(challenge)?.[1];
  const realm = value("realm");
  if (!/^bearer /i.test(challenge) || realm === undefined)
    throw new Error("the registry wants credentials; only anonymous pulls are supported");
  const url = new URL(realm);
  url.searchParams.set("scope", scope);
  const service = value("service");
  if (service !== undefined) url.searchParams.set("service", service);
  const answer = await get(url.href);
  const { token, access_token } = (await answer.json()) as { token?: string; access_token?: string };
  const found = token ?? access_token;
  if (!answer.ok || typeof found !== "string")
    throw new Error(`the registry's token service answered ${answer.status}`);
  return found;
}

async function boundedBody(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxWasmModuleBytes) throw new Error(`the module has more than ${maxWasmModuleBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
