/** What the program consists of. */
import type { Program } from "@krate/controller";
import { GitEvent } from "@krate/kinds";
import type { CompilerConfig } from "./config.ts";
import { branchProtections } from "./controllers/branch-protections.ts";
import { bundles } from "./controllers/bundles.ts";
import { refusalSelection } from "./controllers/policy-changes.ts";
import { refPolicies } from "./controllers/ref-policies.ts";
import { refusedBy, refusedByIndex } from "./refusals.ts";

export function refpolicyCompiler(config: CompilerConfig): Program {
  return {
    name: "refpolicy-compiler",
    config,
    controllers: [bundles(), branchProtections, refPolicies],
    setup({ informer }) {
      informer(GitEvent, refusalSelection).addIndex(refusedByIndex, refusedBy);
      return undefined;
    },
  };
}
