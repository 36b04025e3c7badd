import { consoleModule } from "./console-descriptors.ts";
import { generateCrds } from "./crd.ts";
import { referenceDocs, type Samples } from "./docs/reference.ts";
import { composeGenerators, type Generator } from "./output-file.ts";
import { generateProgramAccess } from "./rbac/generate-programs.ts";
import { generateRoles } from "./rbac/roles.ts";

/** Everything that is generated. */
export function allGenerators(samples: Samples): Generator {
  return composeGenerators(
    generateCrds,
    generateRoles,
    generateProgramAccess,
    referenceDocs(samples),
    consoleModule(samples),
  );
}

/** Folders in which every file is generated: what is there and no generator writes is stale. */
export const generatedFolders = ["crds", "deploy/rbac", "docs/reference"];
