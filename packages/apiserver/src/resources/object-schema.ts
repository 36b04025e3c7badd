import { type CompiledSchema, compileSchema, objectMetaSchema, type Schema } from "@krate/apimachinery";

/**
 * Compiles the schema of a whole object with `metadata` as every object has it: list types of finalizers and owner references decide who
 * owns what. What the schema itself says about metadata (a pattern for names) comes on top.
 */
export function compileObjectSchema(schema: Schema): CompiledSchema {
  const own = schema.properties?.["metadata"]?.properties ?? {};
  const metadata = { ...objectMetaSchema, properties: { ...objectMetaSchema.properties, ...own } };
  return compileSchema({ ...schema, properties: { ...schema.properties, metadata } });
}
