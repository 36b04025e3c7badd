import { base } from "./hack/jest/base.mjs";

/** Unit tests: everything beside the code. `pnpm exec jest packages/git` runs those of one package. */
export default {
  ...base,
  rootDir: import.meta.dirname,
  roots: ["<rootDir>/packages", "<rootDir>/hack"],
};
