/** Which language a file is in, by its name, with the data of GitHub Linguist. Content is not looked at. */
import { basename } from "node:path";
import * as linguist from "linguist-languages";

interface Language {
  name: string;
  type: string;
  aliases?: readonly string[];
  extensions?: readonly string[];
  filenames?: readonly string[];
}

const languages = Object.values(linguist) as unknown as readonly Language[];

/** Where an extension is of several languages: the one that most files with it are in. */
const usual: Readonly<Record<string, string>> = {
  ".c": "C",
  ".cs": "C#",
  ".h": "C",
  ".hpp": "C++",
  ".html": "HTML",
  ".js": "JavaScript",
  ".json": "JSON",
  ".m": "Objective-C",
  ".md": "Markdown",
  ".php": "PHP",
  ".pl": "Perl",
  ".py": "Python",
  ".r": "R",
  ".rb": "Ruby",
  ".rs": "Rust",
  ".scm": "Scheme",
  ".sh": "Shell",
  ".sql": "SQL",
  ".tf": "HCL",
  ".ts": "TypeScript",
  ".tsx": "TSX",
  ".txt": "Text",
  ".v": "Verilog",
  ".xml": "XML",
  ".yaml": "YAML",
  ".yml": "YAML",
};

const byName = new Map<string, string>();
const byExtension = new Map<string, string>();
const byFilename = new Map<string, string>();

for (const { name, aliases = [], extensions = [], filenames = [], type } of languages) {
  byName.set(name.toLowerCase(), name);
  for (const alias of aliases) if (!byName.has(alias.toLowerCase())) byName.set(alias.toLowerCase(), name);
  for (const filename of filenames) if (!byFilename.has(filename)) byFilename.set(filename, name);
  for (const extension of extensions) {
    const key = extension.toLowerCase();
    if (!byExtension.has(key) || (type === "programming" && extension === extensions[0])) byExtension.set(key, name);
  }
}
for (const { name } of languages) byName.set(name.toLowerCase(), name);
for (const [extension, name] of Object.entries(usual)) byExtension.set(extension, name);

/** Linguist's name of the language of a path; undefined: unknown. */
export function languageOf(path: string): string | undefined {
  const name = basename(path);
  const known = byFilename.get(name);
  if (known) return known;
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    const found = byExtension.get(name.slice(dot).toLowerCase());
    if (found) return found;
  }
  return undefined;
}

/** Linguist's name of what somebody calls a language: its name or an alias, in any case. */
export function languageNamed(name: string): string | undefined {
  return byName.get(name.toLowerCase());
}
