/** AdmissionReview, sent and checked. Source: k8s.io/apiserver/pkg/admission/plugin/webhook/request/admissionreview.go. */
import { isObject, type JsonObject, type JsonValue } from "@krate/apimachinery";
import type { ReviewVersion } from "./configuration.ts";

const group = "admission.k8s.io";

/** @param request without uid and objects */
export function admissionReview(
  version: ReviewVersion,
  uid: string,
  request: JsonObject,
  objects: { object: JsonObject | undefined; oldObject: JsonObject | undefined },
): JsonObject {
  const { object = null, oldObject = null } = objects;
  return {
    kind: "AdmissionReview",
    apiVersion: `${group}/${version}`,
    request: { uid, ...withoutEmpty(request), object, oldObject },
  };
}

/** As Go's `omitempty` has it. */
const omitted = ["subResource", "requestSubResource", "name", "namespace"];

function withoutEmpty(request: JsonObject): JsonObject {
  const result: JsonObject = { ...request };
  for (const key of omitted) if (result[key] === "") delete result[key];
  if (isObject(result["userInfo"])) {
    const { uid, extra, ...userInfo } = result["userInfo"];
    result["userInfo"] = {
      ...userInfo,
      ...(uid !== "" && uid !== undefined && { uid }),
      ...(isObject(extra) && Object.keys(extra).length > 0 && { extra }),
    };
  }
  return result;
}

/** What a webhook answered. */
export interface Verdict {
  allowed: boolean;
  /** The decoded JSON patch of a mutating webhook. */
  patch: JsonValue | undefined;
  patchType: string;
  /** A `Status`: why it was refused. */
  status: JsonObject | undefined;
  warnings: readonly string[];
  auditAnnotations: Readonly<Record<string, string>>;
}

/** An answer that is no usable AdmissionReview. `message` are kube-apiserver's words. */
export class InvalidReview extends Error {
  /** `decoding`: it is not JSON of the right form; `patch`: its patch is not JSON. */
  readonly kind: "decoding" | "response" | "patch";

  constructor(kind: InvalidReview["kind"], message: string) {
    super(message);
    this.name = "InvalidReview";
    this.kind = kind;
  }
}

export interface Expected {
  version: ReviewVersion;
  uid: string;
  mutating: boolean;
}

/** @throws InvalidReview */
export function readReview(text: string, { version, uid, mutating }: Expected): Verdict {
  const review = parse(text);
  const { response } = review;
  if (!isObject(response)) throw new InvalidReview("response", "webhook response was absent");
  checkTypes(response);
  const patch = bytesOf(response["patch"]);
  const patchType = response["patchType"];
  // v1beta1 was never checked: servers of that time may send anything.
  if (version === "v1") checkV1(review, response, uid, { mutating, patch, patchType });
  const kindOfPatch = version === "v1beta1" && patch !== undefined ? "JSONPatch" : patchType;
  return {
    allowed: response["allowed"] === true,
    patch: mutating && patch !== undefined ? parsePatch(patch) : undefined,
    patchType: typeof kindOfPatch === "string" ? kindOfPatch : "",
    status: isObject(response["status"]) ? response["status"] : undefined,
    warnings: Array.isArray(response["warnings"]) ? response["warnings"].map(String) : [],
    auditAnnotations: (isObject(response["auditAnnotations"]) ? response["auditAnnotations"] : {}) as Record<
      string,
      string
    >,
  };
}

function parse(text: string): JsonObject {
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new InvalidReview(
      "decoding",
      `couldn't get version/kind; json parse error: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
  if (!isObject(value)) {
    throw new InvalidReview("decoding", "couldn't get version/kind; json parse error: the answer is not an object");
  }
  return value;
}

/** Members of another JSON type do not decode into Go's struct. */
function checkTypes(response: JsonObject): void {
  const isMap = (value: JsonValue): boolean =>
    isObject(value) && Object.values(value).every((each) => typeof each === "string");
  const isList = (value: JsonValue): boolean => Array.isArray(value) && value.every((each) => typeof each === "string");
  const types: Record<string, [needed: string, holds: (value: JsonValue) => boolean]> = {
    uid: ["a string", (value) => typeof value === "string"],
    allowed: ["a boolean", (value) => typeof value === "boolean"],
    patch: ["a string", (value) => typeof value === "string"],
    patchType: ["a string", (value) => typeof value === "string"],
    status: ["an object", isObject],
    warnings: ["a list of strings", isList],
    auditAnnotations: ["a map of strings", isMap],
  };
  for (const [key, [needed, holds]] of Object.entries(types)) {
    const value = response[key];
    if (value === undefined || value === null || holds(value)) continue;
    throw new InvalidReview("decoding", `response.${key} must be ${needed}`);
  }
}

function bytesOf(patch: JsonValue | undefined): Buffer | undefined {
  if (typeof patch !== "string" || patch === "") return undefined;
  if (!/^[A-Za-z0-9+/\r\n]*={0,2}$/.test(patch)) throw new InvalidReview("decoding", "response.patch must be base64");
  return Buffer.from(patch, "base64");
}

function checkV1(
  review: JsonObject,
  response: JsonObject,
  uid: string,
  { mutating, patch, patchType }: { mutating: boolean; patch: Buffer | undefined; patchType: JsonValue | undefined },
): void {
  const wrong = (message: string): never => {
    throw new InvalidReview("response", message);
  };
  const { uid: answered = "" } = response;
  if (answered !== uid) wrong(`expected response.uid="${uid}", got ${JSON.stringify(answered)}`);
  const { apiVersion = "", kind = "" } = review;
  if (apiVersion !== `${group}/v1` || kind !== "AdmissionReview") {
    const wanted = `${group}/v1, Kind=AdmissionReview`;
    wrong(`expected webhook response of ${wanted}, got ${String(apiVersion)}, Kind=${String(kind)}`);
  }
  const hasType = patchType !== undefined && patchType !== null;
  if (!mutating) {
    if (patch !== undefined) wrong("validating webhook may not return response.patch");
    if (hasType) wrong("validating webhook may not return response.patchType");
    return;
  }
  if (patch !== undefined && !hasType) wrong("webhook returned response.patch but not response.patchType");
  if (patch === undefined && hasType) wrong("webhook returned response.patchType but not response.patch");
  if (patchType === "") wrong('webhook returned invalid response.patchType of ""');
}

function parsePatch(bytes: Buffer): JsonValue {
  try {
    return JSON.parse(bytes.toString("utf8")) as JsonValue;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidReview("patch", `received undecodable patch in webhook response: ${message}`);
  }
}
