/** How much of a file decides whether it is text, as git itself does it. */
export const sniffBytes = 8000;

/** Pictures a browser shows without running anything; an SVG runs scripts, so it is none of them. Each by its first bytes. */
const pictures: readonly { type: string; extensions: readonly string[]; starts(head: string): boolean }[] = [
  { type: "image/png", extensions: ["png"], starts: (head) => head.startsWith("\x89PNG\r\n\x1a\n") },
  { type: "image/jpeg", extensions: ["jpg", "jpeg"], starts: (head) => head.startsWith("\xff\xd8\xff") },
  { type: "image/gif", extensions: ["gif"], starts: (head) => /^GIF8[79]a/.test(head) },
  { type: "image/webp", extensions: ["webp"], starts: (head) => /^RIFF.{4}WEBP/s.test(head) },
  { type: "image/x-icon", extensions: ["ico"], starts: (head) => head.startsWith("\0\0\x01\0") },
];

/** Documents that run something, or load something, when a browser opens them. */
const active = new Set(
  "html htm xhtml xht shtml mht mhtml svg svgz xml xsl xslt rdf atom rss pdf swf js mjs css htc hta wasm".split(" "),
);

/** A content type that cannot be made to run: a picture that is one by name and content, else text, else bytes. */
export function contentType(path: string, start: Buffer): string {
  const head = start.toString("latin1", 0, 16);
  const extension = extensionOf(path);
  const picture = pictures.find(({ extensions, starts }) => extensions.includes(extension) && starts(head));
  if (picture) return picture.type;
  return start.subarray(0, sniffBytes).includes(0) ? "application/octet-stream" : "text/plain; charset=utf-8";
}

/** Whether a browser must be told to save the file rather than to open it. */
export function isActive(path: string): boolean {
  return active.has(extensionOf(path));
}

function extensionOf(path: string): string {
  return /\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase() ?? "";
}

/** `attachment` with a file name in the two forms of RFC 6266; nothing of it can end the header. */
export function attachment(fileName: string): string {
  const name = (fileName.slice(fileName.lastIndexOf("/") + 1) || "file").slice(0, 200);
  const plain = name.replace(/[^A-Za-z0-9._ -]/g, "_");
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /['()*!]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
