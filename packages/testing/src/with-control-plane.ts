import { beforeAll } from "@jest/globals";
import { sharedControlPlane } from "./control-plane/shared.ts";
import type { ControlPlaneInfo } from "./control-plane/start.ts";

const startTimeoutMilliseconds = 120_000;

/**
 * Makes the shared control plane available to the tests of the surrounding `describe`, and returns how to get at it.
 * Combine it with `skipWithout("envtest")`.
 *
 * @example
 * skipWithout("envtest")("the informer", () => {
 *   const controlPlane = withControlPlane();
 *   test("…", async () => { const { kubeconfig } = controlPlane(); … });
 * });
 */
export function withControlPlane(): () => ControlPlaneInfo {
  let info: ControlPlaneInfo | undefined;
  beforeAll(async () => {
    info = await sharedControlPlane();
  }, startTimeoutMilliseconds);
  return () => {
    if (info === undefined)
      throw new Error("the control plane is there in tests and hooks, not while they are collected");
    return info;
  };
}
