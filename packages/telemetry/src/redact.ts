/** Keeps secrets out of the log, whatever a caller hands in. */

const redacted = "[redacted]";

/** A key is secret-like when, without case and separators, it ends in one of these. `secretRef` and `secretName` are names. */
const secretKey =
  /(password|passwd|passphrase|secret|secrets|token|tokens|apikey|privatekey|authorization|cookie|setcookie|credential|credentials|signature|kubeconfig|keydata)$/;

/** Kubernetes Secrets carry values under `data`: hidden whenever the object says that it is one. */
const isSecretObject = (value: object): boolean => "kind" in value && value.kind === "Secret";

const maxDepth = 8;

function isSecretKey(key: string): boolean {
  return secretKey.test(key.toLowerCase().replaceAll(/[-_.]/g, ""));
}

/**
 * Copies `value` with everything secret-like replaced by `[redacted]`; shares what holds nothing to hide.
 * Deeper than 8 levels, objects are replaced by `[deep]`; a cycle therefore ends there too.
 */
export function redact(value: unknown): unknown {
  return redactAt(value, 0);
}

function redactAt(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Error || value instanceof Date || ArrayBuffer.isView(value)) return value;
  if (depth >= maxDepth) return "[deep]";
  if (Array.isArray(value)) return value.map((item) => redactAt(item, depth + 1));
  if ("toJSON" in value && typeof value.toJSON === "function") return value;
  const hideData = isSecretObject(value);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const hide = isSecretKey(key) || (hideData && (key === "data" || key === "stringData"));
      return [key, hide && item !== undefined && item !== null ? redacted : redactAt(item, depth + 1)];
    }),
  );
}

/** `"clientSecret":"…"` inside a finished line: pino writes the bindings of a child logger past its formatters. */
const secretMember = /"([^"\\]+)":"(?:[^"\\]|\\.)*"/g;

const textPatterns: readonly (readonly [RegExp, string])[] = [
  // RFC 9110 credentials, in any text: "Authorization: Bearer eyJ…"
  [/\b(Bearer|Basic|token) +[A-Za-z0-9+/_=.~-]{8,}/gi, `$1 ${redacted}`],
  // RFC 3986 userinfo with a password: https://user:password@host
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@"]*):[^\s/@"]+@/gi, `$1:${redacted}@`],
  // a JSON web token anywhere
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, redacted],
  // PEM, raw or inside a JSON string
  [/-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----/gs, redacted],
];

/** Hides credentials that stand inside text: bearer and basic headers, URL passwords, JSON web tokens, private keys. */
export function redactText(text: string): string {
  return textPatterns.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text);
}

/** One cheap look first: most lines hold nothing to hide, and the patterns below are half the cost of a line. */
const suspicious =
  /pass|secret|token|key|authorization|cookie|credential|signature|kubeconfig|bearer|basic |eyJ|:\/\/[^"]*@/i;

/** {@link redactText} for a line of JSON, and members whose name is secret-like. */
export function redactLine(line: string): string {
  if (!suspicious.test(line)) return line;
  return redactText(line).replace(secretMember, (member: string, key: string) =>
    isSecretKey(key) ? `"${key}":"${redacted}"` : member,
  );
}
