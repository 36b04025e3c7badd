/** Times and durations in nanoseconds, read and written as Go does. */
import { CelError } from "./issues.ts";

const second = 1_000_000_000n;
const timestampPattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/;
const durationUnits: Record<string, bigint> = {
  h: 3600n * second,
  m: 60n * second,
  s: second,
  ms: 1_000_000n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ns: 1n,
};

const minTimestamp = -62135596800n * second;
const maxTimestamp = 253402300800n * second - 1n;
const maxDuration = 2n ** 63n - 1n;

/** @throws CelError */
export function parseTimestamp(text: string): bigint {
  const match = timestampPattern.exec(text);
  if (match === null) throw new CelError("type conversion error from 'string' to 'google.protobuf.Timestamp'");
  const [, year, month, day, hours, minutes, seconds, fraction = "", zone = "Z"] = match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hours), Number(minutes), Number(seconds));
  if (date.getUTCMonth() !== Number(month) - 1 || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) {
    throw new CelError("type conversion error from 'string' to 'google.protobuf.Timestamp'");
  }
  const offsetMinutes = /^[Zz]$/.test(zone)
    ? 0
    : Number(`${zone[0]}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6)));
  const nanoseconds =
    (BigInt(date.getTime()) - BigInt(offsetMinutes) * 60_000n) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
  return checkTimestamp(nanoseconds);
}

/** @throws CelError outside years 1 to 9999 */
export function checkTimestamp(nanoseconds: bigint): bigint {
  if (nanoseconds < minTimestamp || nanoseconds > maxTimestamp) throw new CelError("timestamp overflow");
  return nanoseconds;
}

/** @throws CelError beyond what 64 bits hold, about 292 years */
export function checkDuration(nanoseconds: bigint): bigint {
  if (nanoseconds < -maxDuration - 1n || nanoseconds > maxDuration) throw new CelError("integer overflow");
  return nanoseconds;
}

export function formatTimestamp(nanoseconds: bigint): string {
  const seconds = floorDivide(nanoseconds, second);
  const fraction = (nanoseconds - seconds * second).toString().padStart(9, "0").replace(/0+$/, "");
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${text}${fraction === "" ? "" : `.${fraction}`}Z`;
}

/** A sane duration is much shorter; reading many digits takes long. */
const maxDurationLength = 1000;

/** Go's form: `1h30m`, `1.5s`, `-2ms`. @throws CelError */
export function parseDuration(text: string): bigint {
  const match =
    text.length > maxDurationLength ? null : /^([-+]?)((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.exec(text);
  if (match === null) {
    if (/^[-+]?0$/.test(text)) return 0n;
    throw new CelError("type conversion error from 'string' to 'google.protobuf.Duration'");
  }
  let total = 0n;
  for (const [, whole = "", fraction = "", unit = "s"] of text.matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g)) {
    const size = durationUnits[unit] ?? second;
    total += BigInt(whole === "" ? "0" : whole) * size;
    if (fraction !== "") total += (BigInt(fraction.slice(0, 18)) * size) / 10n ** BigInt(fraction.slice(0, 18).length);
  }
  return checkDuration(match[1] === "-" ? -total : total);
}

/** CEL writes durations in seconds: `5400s`, `1.5s`. */
export function formatDuration(nanoseconds: bigint): string {
  const sign = nanoseconds < 0n ? "-" : "";
  const positive = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const fraction = (positive % second).toString().padStart(9, "0").replace(/0+$/, "");
  return `${sign}${positive / second}${fraction === "" ? "" : `.${fraction}`}s`;
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

/** Parts of a time in a zone: an IANA name or an offset such as `+02:00`. @throws CelError for an unknown zone */
export function inZone(nanoseconds: bigint, zone: string | undefined): Date {
  const milliseconds = Number(floorDivide(nanoseconds, 1_000_000n));
  if (zone === undefined || zone === "UTC" || zone === "") return new Date(milliseconds);
  const offset = /^([+-]?\d{1,9}):([+-]?\d{1,9})$/.exec(zone);
  if (offset !== null) {
    const hours = Number(offset[1]);
    const minutes = hours * 60 + (offset[1]?.startsWith("-") && hours !== 0 ? -Number(offset[2]) : Number(offset[2]));
    return new Date(milliseconds + minutes * 60_000);
  }
  return new Date(milliseconds + zoneOffsetMilliseconds(milliseconds, zone));
}

const zoneFormats = new Map<string, Intl.DateTimeFormat>();

function zoneOffsetMilliseconds(milliseconds: number, zone: string): number {
  let format = zoneFormats.get(zone);
  if (format === undefined) {
    try {
      format = new Intl.DateTimeFormat("en-US", {
        timeZone: zone,
        hourCycle: "h23",
        year: "numeric",
        month: "numeric",
        day: "numeric",
        hour: "numeric",
        minute: "numeric",
        second: "numeric",
      });
    } catch {
      throw new CelError(`unknown time zone ${zone}`);
    }
    if (zoneFormats.size < 1000) zoneFormats.set(zone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(milliseconds).map(({ type, value }) => [type, Number(value)]));
  const local = Date.UTC(parts.year ?? 0, (parts.month ?? 1) - 1, parts.day, parts.hour, parts.minute, parts.second);
  return local - Math.floor(milliseconds / 1000) * 1000;
}
