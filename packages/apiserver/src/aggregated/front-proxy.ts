/**
 * Who sent a request, when kube-apiserver's aggregator passed it on: it shows a client certificate of the request-header CA, and only
 * then are its `X-Remote-*` headers believed. From anybody else they are never read.
 * Source: https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/, k8s.io/apiserver/pkg/authentication/request/headerrequest.
 */
import { dig, type JsonObject } from "@krate/apimachinery";
import { CertificateVerifier } from "../auth/client-certificate.ts";
import type { UserInfo } from "../context.ts";
import type { Exchange } from "../http/exchange.ts";
import type { Authenticator } from "../services.ts";

/** Where kube-apiserver publishes both CAs. */
export const authenticationConfigMap = { namespace: "kube-system", name: "extension-apiserver-authentication" };

export interface FrontProxySettings {
  requestHeader: CertificateVerifier | undefined;
  /** Common names the proxy's certificate may have; empty allows any of that CA. */
  allowedNames: readonly string[];
  usernameHeaders: readonly string[];
  uidHeaders: readonly string[];
  groupHeaders: readonly string[];
  extraPrefixes: readonly string[];
  /** The cluster's own client CA, for direct calls. */
  client: CertificateVerifier | undefined;
  /** PEM of every CA above: what the listener asks clients for. */
  caPem: string;
}

/** @throws Error when a member is not the JSON list it must be */
export function readSettings(configMap: JsonObject): FrontProxySettings {
  const text = (key: string) => String(dig(configMap, "data", key) ?? "");
  const list = (key: string, fallback: readonly string[]): string[] => {
    const value = text(key);
    if (value === "") return [...fallback];
    const parsed: unknown = JSON.parse(value);
    if (!Array.isArray(parsed))
      throw new Error(`${key} of ConfigMap ${authenticationConfigMap.name} must be a JSON list`);
    return parsed.map((each) => String(each).toLowerCase());
  };
  const requestHeaderCa = text("requestheader-client-ca-file");
  const clientCa = text("client-ca-file");
  const names = text("requestheader-allowed-names");
  return {
    requestHeader: requestHeaderCa === "" ? undefined : new CertificateVerifier(requestHeaderCa),
    allowedNames: names === "" ? [] : (JSON.parse(names) as unknown[]).map(String),
    usernameHeaders: list("requestheader-username-headers", ["x-remote-user"]),
    uidHeaders: list("requestheader-uid-headers", ["x-remote-uid"]),
    groupHeaders: list("requestheader-group-headers", ["x-remote-group"]),
    extraPrefixes: list("requestheader-extra-headers-prefix", ["x-remote-extra-"]),
    client: clientCa === "" ? undefined : new CertificateVerifier(clientCa),
    caPem: [requestHeaderCa, clientCa].filter((pem) => pem !== "").join("\n"),
  };
}

export function frontProxy(settings: () => FrontProxySettings | undefined): Authenticator {
  return (exchange) => {
    const current = settings();
    const certificate = current?.requestHeader?.verify(exchange.peer);
    if (current === undefined || certificate === undefined) return undefined;
    if (current.allowedNames.length > 0 && !current.allowedNames.includes(certificate.commonName)) return undefined;
    return userIn(exchange, current);
  };
}

function userIn(exchange: Exchange, settings: FrontProxySettings): UserInfo | undefined {
  const first = (headers: readonly string[]) =>
    headers.map((header) => exchange.header(header)).find((value) => value !== undefined && value !== "");
  const name = first(settings.usernameHeaders);
  if (name === undefined) return undefined;
  const extra: Record<string, string[]> = {};
  for (const header of exchange.headerNames()) {
    const prefix = settings.extraPrefixes.find((each) => header.startsWith(each));
    if (prefix !== undefined) extra[unescapeKey(header.slice(prefix.length))] = exchange.headerValues(header);
  }
  return {
    name,
    uid: first(settings.uidHeaders),
    groups: settings.groupHeaders.flatMap((header) => exchange.headerValues(header)),
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

/** Keys are percent-encoded where a header name cannot say them. */
function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
