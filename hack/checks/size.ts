import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Check } from "./check.ts";
import { findFiles } from "./files.ts";

const maxLines = 500;

export const size: Check = {
  name: "size",
  promise: `no source file is longer than ${maxLines} lines (a warning)`,
  async run({ root }) {
    const files = findFiles(root, {
      in: ["packages", "hack", "bench", "test-e2e"],
      matching: /^(?!.*(\/generated\/|\.generated\.|\/testdata\/)).*\.(m?ts|tsx|mjs)$/,
    });
    const findings = files.flatMap((file) => {
      const count = readFileSync(join(root, file), "utf8").split("\n").length - 1;
      return count > maxLines ? [`${file}: ${count} lines`] : [];
    });
    const saw = `${files.length} files`;
    if (files.length === 0) return { outcome: "failed", saw, findings: ["found no files to check"] };
    if (findings.length === 0) return { outcome: "passed", saw, findings };
    return { outcome: "warned", saw, findings, next: "split it by noun" };
  },
};
