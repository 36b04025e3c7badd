export { ageOf, humanDuration } from "./age.ts";
export type { JsonPath } from "./json-path.ts";
export { compileJsonPath } from "./json-path.ts";
export type { Negotiated } from "./negotiate.ts";
export { negotiateAccept } from "./negotiate.ts";
export type {
  ColumnType,
  IncludeObject,
  RenderTableOptions,
  Table,
  TableColumn,
  TableColumnDefinition,
  TableConvertor,
} from "./table.ts";
export {
  ageColumn,
  parseIncludeObject,
  partialMetadata,
  partialMetadataList,
  renderTable,
  tableConvertor,
} from "./table.ts";
