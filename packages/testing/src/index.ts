export { sharedControlPlane } from "./control-plane/shared.ts";
export { type ControlPlaneInfo, type ControlPlaneOptions, startControlPlane } from "./control-plane/start.ts";
export { kubeconfigFor } from "./control-plane/users.ts";
export { type EventuallyOptions, eventually } from "./eventually.ts";
export { freePort, freePorts } from "./free-port.ts";
export { findCommand, type Requirement, requirements } from "./requirements.ts";
export { skipWithout } from "./skip-without.ts";
export { type TemporaryFolder, temporaryFolder } from "./temp-dir.ts";
export { withControlPlane } from "./with-control-plane.ts";
