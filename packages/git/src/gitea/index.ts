export { GiteaRefusedError, GiteaUnavailableError } from "./errors.ts";
export { type GiteaBackendOptions, GiteaGitBackend } from "./gitea-backend.ts";
export { type GiteaServer, GiteaServers } from "./gitea-servers.ts";
export { giteaName } from "./names.ts";
export { placementOrder } from "./placement.ts";
export { preReceiveHook, proofOf, proofOption } from "./proof.ts";
