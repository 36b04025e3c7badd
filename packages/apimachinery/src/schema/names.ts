/**
 * Name rules of Kubernetes, with its texts.
 * Source: k8s.io/apimachinery/pkg/util/validation/validation.go and pkg/api/validate/content.
 * All patterns here are linear: no nested quantifier can match the same text two ways.
 */

const dns1123Label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const dns1123Subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const qualifiedNamePart = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

const maxLabel = 63;
const maxSubdomain = 253;

const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const partText =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const labelValueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

function tooLong(max: number, unit: "bytes" | "characters" = "characters"): string {
  return `must be no more than ${max} ${unit}`;
}

/** What is wrong with `value` as a DNS-1123 label (namespace names); empty when nothing is. */
export function checkDns1123Label(value: string): string[] {
  const problems: string[] = [];
  if (value.length > maxLabel) problems.push(tooLong(maxLabel));
  if (!dns1123Label.test(value)) {
    problems.push(dns1123Subdomain.test(value) ? "must not contain dots" : labelText);
  }
  return problems;
}

/** What is wrong with `value` as a DNS-1123 subdomain (names of most objects). */
export function checkDns1123Subdomain(value: string): string[] {
  const problems: string[] = [];
  if (value.length > maxSubdomain) problems.push(tooLong(maxSubdomain));
  if (!dns1123Subdomain.test(value)) problems.push(subdomainText);
  return problems;
}

/** What is wrong with `value` as a path segment: the rule for names of RBAC objects. */
export function checkPathSegmentName(value: string): string[] {
  if (value === "." || value === "..") return [`may not be '${value}'`];
  return ["/", "%"].filter((illegal) => value.includes(illegal)).map((illegal) => `may not contain '${illegal}'`);
}

/** What is wrong with `value` as a qualified name: label and annotation keys, finalizers. */
export function checkQualifiedName(value: string): string[] {
  const parts = value.split("/");
  if (parts.length > 2) {
    return [`a valid label key ${partText} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const problems: string[] = [];
  const name = parts.at(-1) ?? "";
  if (parts.length === 2) {
    const prefix = parts[0] ?? "";
    if (prefix === "") problems.push("prefix part must be non-empty");
    else problems.push(...checkDns1123Subdomain(prefix).map((problem) => `prefix part ${inBytes(problem)}`));
  }
  if (name === "") problems.push("name part must be non-empty");
  else if (name.length > maxLabel) problems.push(`name part ${tooLong(maxLabel, "bytes")}`);
  if (!qualifiedNamePart.test(name)) problems.push(`name part ${partText}`);
  return problems;
}

/** Kubernetes counts names in characters and keys in bytes; both allow ASCII only. */
function inBytes(problem: string): string {
  return problem.replace(/^(must be no more than \d+) characters$/, "$1 bytes");
}

/** What is wrong with `value` as a label value. */
export function checkLabelValue(value: string): string[] {
  const problems: string[] = [];
  if (value.length > maxLabel) problems.push(tooLong(maxLabel, "bytes"));
  if (!labelValue.test(value)) problems.push(labelValueText);
  return problems;
}
