import { describe, expect, test } from "@jest/globals";
import { decodeProtobuf } from "./decode.ts";

/** Bodies as kubectl 1.32 wrote them. */
const sent = {
  configMap:
    "6b3873000a0f0a0276311209436f6e6669674d6170121b0a110a016212001a0022002a0032003800420012060a01781201311a002200",
  tokenRequest:
    "6b3873000a280a1861757468656e7469636174696f6e2e6b38732e696f2f7631120c546f6b656e52657175657374121d0a100a0012001a0022002a00320038004200120320901c1a040a0012001a002200",
  accessReview:
    "6b3873000a320a17617574686f72697a6174696f6e2e6b38732e696f2f7631121753656c665375626a656374416363657373526576696577123f0a100a0012001a0022002a0032003800420012210a1f0a0764656661756c7412036765741a0022002a04706f647332003a036c6f671a08080012001a0020001a002200",
};
const configMap = Buffer.from(sent.configMap, "hex");

const number = (value: number): Buffer => Buffer.from(value < 128 ? [value] : [(value & 127) | 128, value >> 7]);
const field = (at: number, value: Buffer | string): Buffer => {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([number((at << 3) | 2), number(bytes.length), bytes]);
};
const varint = (at: number, value: number): Buffer => Buffer.concat([number(at << 3), number(value)]);
const body = (apiVersion: string, kind: string, ...parts: Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.from("k8s\0"),
    field(1, Buffer.concat([field(1, apiVersion), field(2, kind)])),
    field(2, Buffer.concat(parts)),
  ]);

test("reads what kubectl sends, without the empty strings Go writes", () => {
  const read = (hex: string) => decodeProtobuf(Buffer.from(hex, "hex"));
  expect(read(sent.configMap)).toEqual({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "b" },
    data: { x: "1" },
  });
  expect(read(sent.tokenRequest)).toMatchObject({ kind: "TokenRequest", spec: { expirationSeconds: 3600 } });
  expect(read(sent.accessReview)).toMatchObject({
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes: { namespace: "default", verb: "get", resource: "pods", name: "log" } },
  });
});

describe("forms that differ from JSON", () => {
  test("embedded structs, pointers, quantities and int-or-string", () => {
    const limits = field(1, Buffer.concat([field(1, "cpu"), field(2, field(1, "500m"))]));
    const probe = field(
      10,
      field(1, field(2, Buffer.concat([field(1, "/"), field(2, Buffer.concat([varint(1, 0), varint(2, 80)]))]))),
    );
    const container = field(2, Buffer.concat([field(1, "c"), field(8, limits), probe]));
    const volume = field(1, Buffer.concat([field(1, "v"), field(2, field(2, ""))]));
    const pod = body("v1", "Pod", field(2, Buffer.concat([volume, container, varint(21, 0)])));
    expect(decodeProtobuf(pod)).toMatchObject({
      spec: {
        volumes: [{ name: "v", emptyDir: {} }],
        containers: [
          { name: "c", resources: { limits: { cpu: "500m" } }, livenessProbe: { httpGet: { path: "/", port: 80 } } },
        ],
        automountServiceAccountToken: false,
      },
    });
  });

  test("bytes are base64, times RFC 3339, extra values lists", () => {
    const secret = body("v1", "Secret", field(2, Buffer.concat([field(1, "p"), field(2, "w")])));
    expect(decodeProtobuf(secret)).toMatchObject({ data: { p: "dw==" } });
    const lease = body(
      "coordination.k8s.io/v1",
      "Lease",
      field(2, Buffer.concat([field(1, "me"), varint(2, 15), field(4, Buffer.from([0x08, 0x01, 0x10, 0xe8, 0x07]))])),
    );
    expect(decodeProtobuf(lease)).toMatchObject({
      spec: { holderIdentity: "me", leaseDurationSeconds: 15, renewTime: "1970-01-01T00:00:01.000001Z" },
    });
    const extra = field(5, Buffer.concat([field(1, "k"), field(2, Buffer.concat([field(1, "a"), field(1, "b")]))]));
    const review = body("authorization.k8s.io/v1", "SubjectAccessReview", field(2, extra));
    expect(decodeProtobuf(review)).toMatchObject({ spec: { extra: { k: ["a", "b"] } } });
  });
});

const broken = [
  { bytes: Buffer.from("{}"), says: /Kubernetes prefix/, reason: "JSON" },
  { bytes: configMap.subarray(0, 30), says: /ends early/, reason: "cut off" },
  { bytes: body("example.com/v1", "Gadget"), says: /send JSON/, reason: "a kind without protobuf form" },
  { bytes: body("v1", "ConfigMap", Buffer.from([0x0b])), says: /wire type/, reason: "a group" },
  { bytes: body("v1", "ConfigMap", Buffer.alloc(12, 0xff)), says: /too long|ends early/, reason: "an endless number" },
];
test.each(broken)("refuses $reason as a bad request", ({ bytes, says }) => {
  expect(() => decodeProtobuf(bytes)).toThrow(says);
  expect(() => decodeProtobuf(bytes)).toThrow(expect.objectContaining({ code: 400 }));
});
