import { ApiError } from "@krate/kinds";

/** What a client wants back: the objects themselves, or one of the transformations of meta.k8s.io. */
export interface Negotiated {
  mediaType: "application/json" | "application/yaml";
  as: "object" | "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList";
}

/** Longer headers are nobody's: kubectl sends 160 characters. */
const maxAcceptLength = 2048;

/**
 * The best acceptable entry of an Accept header (by `q`, then by order), as kubectl writes it: `application/json;as=Table;v=v1;g=meta.k8s.io,application/json`. Protobuf
 * and CBOR are passed over: every client that prefers them also takes JSON.
 *
 * @throws NotAcceptable (406) when nothing fits
 */
export function negotiateAccept(accept: string | undefined): Negotiated {
  const text = (accept ?? "").trim();
  if (text === "") return { mediaType: "application/json", as: "object" };
  if (text.length <= maxAcceptLength) {
    const entries = text.split(",").map((entry) => ({ entry, quality: qualityOf(entry) }));
    if (entries.some(({ quality }) => quality !== 1)) entries.sort((a, b) => b.quality - a.quality);
    for (const { entry } of entries) {
      const found = negotiateEntry(entry);
      if (found !== undefined) return found;
    }
  }
  throw new ApiError(
    "NotAcceptable",
    "only the following media types are accepted: application/json, application/yaml, application/json;as=Table;v=v1;g=meta.k8s.io",
  );
}

/** `q`, 1 unless said otherwise. */
function qualityOf(entry: string): number {
  const quality = Number(/;\s*q=([\d.]+)/.exec(entry)?.[1] ?? 1);
  return Number.isNaN(quality) ? 1 : quality;
}

function negotiateEntry(entry: string): Negotiated | undefined {
  const [range = "", ...parameters] = entry.split(";").map((part) => part.trim());
  const values = new Map(parameters.map((parameter) => parameter.split("=", 2) as [string, string]));
  if (qualityOf(entry) === 0) return undefined;
  const mediaType = range.toLowerCase() === "application/yaml" ? "application/yaml" : "application/json";
  if (!["application/json", "application/yaml", "application/*", "*/*"].includes(range.toLowerCase())) return undefined;
  const as = values.get("as");
  if (as === undefined) return { mediaType, as: "object" };
  if (values.get("g") !== "meta.k8s.io" || values.get("v") !== "v1") return undefined;
  if (as !== "Table" && as !== "PartialObjectMetadata" && as !== "PartialObjectMetadataList") return undefined;
  return { mediaType, as };
}
