import { startTestForge, type TestForge } from "./forge.ts";

declare global {
  var krateTestForge: TestForge | undefined;
}

/** Starts the forge that all test files share; `KRATE_E2E_STATE` tells them where it is. */
export default async function setup(): Promise<void> {
  const forge = await startTestForge();
  globalThis.krateTestForge = forge;
  process.env["KRATE_E2E_STATE"] = `${forge.home}/forge.json`;
}
