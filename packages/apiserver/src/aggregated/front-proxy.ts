/**
 * Who sent a request, when kube-apiserver's aggregator passed it on: it shows a client certificate of the request-header CA, and only
 * then are its `X-Remote-*` headers believed. From anybody else they are never read.
 * Source: https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/, k8s.io/apiserver/pkg/authentication/request/headerrequest.
 */
import { dig, type JsonObject } from "@krate/apimachinery";
import { markProxied } from "../audit/source.ts";
import { CertificateVerifier } from "../auth/client-certificate.ts";
import type { UserInfo } from "../context.ts";
import { type Exchange, headerText } from "../http/exchange.ts";
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

/**
 * Header names come from the ConfigMap only: a proxy removes what clients send under the names it knows, so a name it does not tell of
 * (`X-Remote-Uid` before Kubernetes 1.32) could be a client's own.
 * @throws Error when a member is not the JSON list, or the certificates, that it must be
 */
export function readSettings(configMap: JsonObject): FrontProxySettings {
  const text = (key: string) => String(dig(configMap, "data", key) ?? "");
  const list = (key: string) => listIn(key, text(key));
  const headers = (key: string) => list(key).map((name) => name.toLowerCase());
  const requestHeaderCa = text("requestheader-client-ca-file");
  const clientCa = text("client-ca-file");
  return {
    requestHeader: requestHeaderCa === "" ? undefined : new CertificateVerifier(requestHeaderCa),
    allowedNames: list("requestheader-allowed-names"),
    usernameHeaders: headers("requestheader-username-headers"),
    uidHeaders: headers("requestheader-uid-headers"),
    groupHeaders: headers("requestheader-group-headers"),
    extraPrefixes: headers("requestheader-extra-headers-prefix"),
    client: clientCa === "" ? undefined : new CertificateVerifier(clientCa),
    caPem: [requestHeaderCa, clientCa].filter((pem) => pem !== "").join("\n"),
  };
}

function listIn(key: string, text: string): string[] {
  const parsed = text === "" ? [] : parseJson(text);
  if (!Array.isArray(parsed) || !parsed.every((each) => typeof each === "string"))
    throw new Error(`${key} of ConfigMap ${authenticationConfigMap.name} must be a JSON list of strings`);
  return parsed;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function frontProxy(settings: () => FrontProxySettings | undefined): Authenticator {
  return (exchange) => {
    const current = settings();
    const certificate = current?.requestHeader?.verify(exchange.peer);
    if (current === undefined || certificate === undefined) return undefined;
    if (current.allowedNames.length > 0 && !current.allowedNames.includes(certificate.commonName)) return undefined;
    const user = userIn(exchange, current);
    if (user !== undefined) markProxied(exchange);
    return user;
  };
}

function userIn(exchange: Exchange, settings: FrontProxySettings): UserInfo | undefined {
  const first = (headers: readonly string[]) =>
    headers.map((header) => exchange.headerValues(header)[0]).find((value) => value !== undefined && value !== "");
  const name = first(settings.usernameHeaders);
  if (name === undefined) return undefined;
  const uid = first(settings.uidHeaders);
  const extra = new Map<string, string[]>();
  for (const header of exchange.headerNames()) {
    const prefix = settings.extraPrefixes.find((each) => header.startsWith(each));
    if (prefix === undefined) continue;
    const key = unescapeKey(header.slice(prefix.length));
    extra.set(key, [...(extra.get(key) ?? []), ...exchange.headerValues(header).map(headerText)]);
  }
  return {
    name: headerText(name),
    ...(uid !== undefined && { uid: headerText(uid) }),
    groups: settings.groupHeaders.flatMap((header) => exchange.headerValues(header)).map(headerText),
    ...(extra.size > 0 && { extra: Object.fromEntries(extra) }),
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
