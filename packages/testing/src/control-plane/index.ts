export { type Authority, type Credential, certificateAuthority, issueCertificate } from "@krate/pki";
export { freePort, freePorts } from "../free-port.ts";
export { binaryPath, cacheFolder, missingPrograms, programVersion, repositoryRoot } from "./binaries.ts";
export { buildProgram } from "./build.ts";
export { type Child, startChild } from "./child.ts";
export { type Guard, startGuard } from "./guard.ts";
export { type Kyverno, type KyvernoOptions, startKyverno } from "./kyverno.ts";
export { type GoProgram, type ProgramName, programs } from "./programs.ts";
export { clientOf, type Requester } from "./request.ts";
export { sharedControlPlane } from "./shared.ts";
export {
  type ControlPlane,
  type ControlPlaneInfo,
  type ControlPlaneOptions,
  infoFileName,
  readControlPlane,
  startControlPlane,
} from "./start.ts";
export { isAlive, stopControlPlane } from "./stop.ts";
export { kubeconfigFor } from "./users.ts";
