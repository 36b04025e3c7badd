import { runBiome } from "./biome.ts";
import { type Check, judge } from "./check.ts";

export const format: Check = {
  name: "format",
  promise: "sources are formatted and imports sorted as biome.json says",
  async run({ root }) {
    const { files, findings } = await runBiome(root, ["check", "--linter-enabled=false"]);
    const readable = findings.map((finding) => finding.replace(/format: Formatter would have.*/, "is not formatted"));
    return judge(files, "files", readable, "source hack/env.sh && biome check --write --linter-enabled=false");
  },
};
