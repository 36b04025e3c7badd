import { stringify } from "yaml";
import { generatedNotice, type OutputFile } from "./output-file.ts";

/** A YAML file with one document per object. */
export function yamlFile(path: string, objects: readonly object[]): OutputFile {
  const documents = objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }));
  return { path, content: `# ${generatedNotice}\n${documents.map((document) => `---\n${document}`).join("")}` };
}
