/** One thing that happened, as subscriptions are asked about it and as it is posted. */

export interface ForgeEvent {
  namespace: string;
  organization: string;
  /** `push`, `pull_request.merged`, … */
  type: string;
  /** Identity: equal whenever the same thing is seen again. */
  id: string;
  /** When it happened, RFC 3339: a subscription hears nothing older than itself. */
  at: string;
  repository?: string;
  /** Full name of the ref it is about. */
  ref?: string;
  /** Labels of the object it is about. */
  labels?: Record<string, string>;
  source: { kind: string; name: string; uid?: string };
  /** Body beside the common fields. */
  body: Record<string, unknown>;
}

/** Bodies larger than this do not fit the row; long texts in them are cut before. */
export const maxPayloadBytes = 65_536;
const maxTextLength = 16_384;

/** The bytes that are posted and signed. Deterministic: the same event gives the same bytes. */
export function payloadOf(event: ForgeEvent): string {
  const { type, id, at, organization, namespace, repository, body } = event;
  const envelope = {
    event: type,
    id,
    at,
    organization: { name: organization, namespace },
    ...(repository !== undefined && { repository: { name: repository } }),
  };
  const whole = JSON.stringify({ ...envelope, ...cut(body, maxTextLength) });
  if (fits(whole)) return whole;
  const short = JSON.stringify({ ...envelope, ...cut(body, 512), truncated: true });
  return fits(short) ? short : JSON.stringify({ ...envelope, source: event.source, truncated: true });
}

const fits = (text: string) => Buffer.byteLength(text) <= maxPayloadBytes;

function cut<T>(value: T, maxLength: number): T {
  if (typeof value === "string") return (value.length > maxLength ? `${value.slice(0, maxLength)}…` : value) as T;
  if (Array.isArray(value)) return value.slice(0, 100).map((entry) => cut(entry, maxLength)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, cut(entry, maxLength)])) as T;
}
