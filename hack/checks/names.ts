import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Check, judge } from "./check.ts";
import { findFiles } from "./files.ts";

/** What only exists where somebody happened to work. Written in parts, or this file would find itself. */
const forbidden: readonly { what: string; pattern: RegExp }[] = [
  {
    what: "a path of one machine",
    pattern: new RegExp(`(?<![\\w.@-])/(?:${["wo", "rk"].join("")}/(?:main|shared|\\.\\w)|tmp/${"krate"}/)`),
  },
  { what: "a package registry's host", pattern: new RegExp(["registry\\.", "(npmjs\\.org|yarnpkg\\.com)"].join("")) },
  { what: "a package registry's host", pattern: new RegExp(["proxy", "golang", "org"].join("\\.")) },
];

export const names: Check = {
  name: "names",
  promise: "nothing names a workplace: machine paths, registry hosts",
  async run({ root }) {
    const files = findFiles(root, {
      in: ["."],
      matching: /^(?!crds\/|pnpm-lock|.*(\/testdata\/|\.(png|ico|wasm|tgz|gz|woff2?|sum)$)).*/,
    });
    const findings = files.flatMap((file) => {
      const text = readFileSync(join(root, file), "utf8").split("\n");
      return text.flatMap((line, index) =>
        forbidden
          .filter(({ pattern }) => pattern.test(line))
          .map(({ what }) => `${file}:${index + 1}: ${what}: ${line.trim().slice(0, 120)}`),
      );
    });
    return judge(files.length, "files", findings, "name it by what it is, or make it a setting");
  },
};
