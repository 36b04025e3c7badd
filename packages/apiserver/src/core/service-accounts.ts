/** `serviceaccounts/token`: TokenRequest. Source: k8s.io/kubernetes/pkg/registry/core/serviceaccount/storage/token.go. */
import { randomUUID } from "node:crypto";
import { isObject, type JsonObject } from "@krate/apimachinery";
import { ApiError, conflict, invalid, notFound } from "@krate/kinds";
import { readAdmitted } from "../admission/subresource.ts";
import type { BoundObject, ServiceAccountTokens } from "../auth/service-account-tokens.ts";
import type { RequestContext } from "../context.ts";
import { decodeStored, metadataOf, sectionOf, textOf, timestamp } from "../objects.ts";
import type { Subresource } from "../resources/resource.ts";

const defaultExpirationSeconds = 3600;
const minExpirationSeconds = 600;
const maxExpirationSeconds = 2 ** 32;
const created = 201;

export function tokenRequest(tokens: ServiceAccountTokens | undefined): Subresource["connect"] {
  return async (ctx) => {
    if (tokens === undefined) throw new ApiError("NotFound", "the server signs no ServiceAccount tokens");
    const account = await read(ctx, "serviceaccounts", ctx.target.name);
    const body = await readAdmitted(ctx);
    const spec = sectionOf(body, "spec");
    const expirationSeconds = expirationOf(spec);
    const audiences = Array.isArray(spec["audiences"]) ? spec["audiences"].map(String) : [];
    const bound = await boundObject(ctx, spec["boundObjectRef"]);
    const { namespace, name } = ctx.target;
    const now = ctx.services.now();
    const subject = { namespace, name, uid: textOf(metadataOf(account)["uid"]), bound };
    const { token, expiresAt } = await tokens.issue(subject, { audiences, expirationSeconds, now, id: randomUUID() });
    ctx.result = {
      kind: "value",
      status: created,
      value: {
        kind: "TokenRequest",
        apiVersion: "authentication.k8s.io/v1",
        metadata: { name, namespace, creationTimestamp: timestamp(now) },
        spec: { ...spec, audiences, expirationSeconds },
        status: { token, expirationTimestamp: timestamp(expiresAt) },
      },
    };
  };
}

async function read(ctx: RequestContext, resource: string, name: string): Promise<JsonObject> {
  const namespace = resource === "nodes" ? "" : ctx.target.namespace;
  const stored = await ctx.services.store.get({ group: "", resource, namespace, name });
  if (stored === undefined) throw notFound({ plural: resource, name });
  return decodeStored(stored);
}

function expirationOf(spec: JsonObject): number {
  const seconds = spec["expirationSeconds"] ?? defaultExpirationSeconds;
  if (typeof seconds === "number" && seconds >= minExpirationSeconds && seconds <= maxExpirationSeconds) return seconds;
  const message =
    typeof seconds === "number" && seconds > maxExpirationSeconds
      ? "may not specify a duration larger than 2^32 seconds"
      : "may not specify a duration less than 10 minutes";
  throw invalid({ group: "authentication.k8s.io", kind: "TokenRequest" }, [
    {
      reason: "FieldValueInvalid",
      field: "spec.expirationSeconds",
      message: `Invalid value: ${JSON.stringify(seconds)}: ${message}`,
    },
  ]);
}

const boundKinds = { Pod: "pods", Secret: "secrets", Node: "nodes" } as const;

async function boundObject(ctx: RequestContext, reference: unknown): Promise<BoundObject | undefined> {
  if (!isObject(reference)) return undefined;
  const kind = textOf(reference["kind"]);
  if (kind !== "Pod" && kind !== "Secret" && kind !== "Node") {
    throw new ApiError(
      "BadRequest",
      `cannot bind token to object of type ${textOf(reference["apiVersion"])}, Kind=${kind}`,
    );
  }
  const name = textOf(reference["name"]);
  const object = await read(ctx, boundKinds[kind], name);
  const uid = textOf(metadataOf(object)["uid"]);
  const wanted = textOf(reference["uid"]);
  if (wanted !== "" && wanted !== uid) {
    throw conflict(
      { plural: boundKinds[kind], name },
      `the UID in the bound object reference (${wanted}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  if (kind === "Pod") {
    const account = textOf(sectionOf(object, "spec")["serviceAccountName"]) || "default";
    if (account !== ctx.target.name) {
      throw new ApiError(
        "BadRequest",
        `cannot bind token for serviceaccount "${ctx.target.name}" to pod running with serviceaccount "${account}"`,
      );
    }
  }
  return { kind, name, uid };
}
