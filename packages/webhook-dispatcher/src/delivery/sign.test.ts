import { createHmac } from "node:crypto";
import { describe, expect, it } from "@jest/globals";
import { signedHeaders } from "./sign.ts";

describe("signedHeaders", () => {
  it("signs the body the way GitHub's receivers expect it", () => {
    const body = Buffer.from("Hello, World!");
    const headers = signedHeaders({
      id: "d",
      body,
      secret: Buffer.from("It's a Secret to Everybody"),
      at: new Date(0),
    });
    // The example of GitHub's documentation, "Validating webhook deliveries".
    expect(headers["X-Krate-Signature-256"]).toBe(
      "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    );
  });

  it("signs as Standard Webhooks do, with the example of their documentation", () => {
    const headers = signedHeaders({
      id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
      body: Buffer.from('{"test": 2432232314}'),
      secret: Buffer.from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
      at: new Date(1614265330_000),
    });
    expect(headers["webhook-signature"]).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    expect(headers["webhook-timestamp"]).toBe("1614265330");
  });

  it("takes a key that is not in their form as it is", () => {
    const secret = Buffer.from("plain");
    const headers = signedHeaders({ id: "i", body: Buffer.from("b"), secret, at: new Date(5000) });
    const expected = createHmac("sha256", secret).update("i.5.b").digest("base64");
    expect(headers["webhook-signature"]).toBe(`v1,${expected}`);
  });
});
