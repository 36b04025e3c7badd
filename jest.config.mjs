import { base } from "./hack/jest/base.mjs";

/** Files that a later layer of `npm test` runs, relative to this folder. */
const later = (process.env.KRATE_JEST_IGNORE ?? "").split(",").filter((file) => file !== "");

/** Unit tests: everything beside the code. `pnpm exec jest packages/git` runs those of one package. */
export default {
  ...base,
  rootDir: import.meta.dirname,
  roots: ["<rootDir>/packages", "<rootDir>/hack", "<rootDir>/bench"],
  testPathIgnorePatterns: [
    ...base.testPathIgnorePatterns,
    ...later.map((file) => `<rootDir>/${file.replaceAll(".", "\\.")}$`),
  ],
};
