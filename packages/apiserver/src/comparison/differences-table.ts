/** docs/reference/differences.md, made from the decisions: `node --conditions=development packages/apiserver/src/comparison/main.ts`. */
import { decided, general } from "./differences.ts";

/** The page, whole. */
export function differencesTable(): string {
  const rows = Object.entries(decided).map(([step, difference]) =>
    typeof difference === "string"
      ? `| ${cell(step)} | ${cell(difference)} | same |`
      : `| ${cell(step)} | ${cell(difference.why)} | ${difference.theirs} there, ${difference.ours} here |`,
  );
  return `# Where Krate's API server differs from kube-apiserver

Generated from packages/apiserver/src/comparison/differences.ts; do not edit.

The same requests are sent to a real kube-apiserver and to Krate's (\`packages/apiserver/src/comparison\`), and the answers compared whole: status code,
content type, warnings, body with managedFields. These differ, on purpose.

## In every answer

${general.map((text) => `- ${text}`).join("\n")}

## In single answers

| request | why | status code |
|---|---|---|
${rows.join("\n")}
`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
