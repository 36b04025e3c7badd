/** The few pieces of Markdown the reference is made of. */
export function code(text: string): string {
  return `\`${text}\``;
}

export function section(title: string, ...parts: string[]): string {
  return [`## ${title}`, ...parts].join("\n\n");
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeCell).join(" | ")} |`;
  return [line(header), `|${header.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
