import { expect, test } from "@jest/globals";
import { clientOf } from "./control-plane/request.ts";
import { sharedControlPlane } from "./control-plane/shared.ts";
import { skipWithout } from "./skip-without.ts";
import { withControlPlane } from "./with-control-plane.ts";

skipWithout("envtest")("withControlPlane", () => {
  const controlPlane = withControlPlane();

  test("hands out a control plane that answers", async () => {
    const { url, caFile, adminClientCert, adminClientKey } = controlPlane();
    const request = await clientOf(url, caFile, { certFile: adminClientCert, keyFile: adminClientKey });
    await expect(request("/readyz")).resolves.toEqual({ status: 200, body: "ok" });
  });

  test("whoever asks again gets the same one", async () => {
    expect((await sharedControlPlane()).pids).toEqual(controlPlane().pids);
  });
});
