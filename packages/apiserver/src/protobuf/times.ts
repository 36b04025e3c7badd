/** A time of seconds (1) and nanoseconds (2) as its JSON; undefined for Go's zero time. */
export function timeText(numbers: Record<number, bigint>, precision: "seconds" | "microseconds"): string | undefined {
  const seconds = Number(numbers[1] ?? 0n);
  const nanoseconds = Number(numbers[2] ?? 0n);
  if (seconds === 0 && nanoseconds === 0) return undefined;
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  return precision === "seconds" ? `${text}Z` : `${text}.${String(Math.trunc(nanoseconds / 1000)).padStart(6, "0")}Z`;
}

/** A Go duration in nanoseconds, as Go prints it: `1h2m3s`, `1.5s`, `0s`. */
export function durationText(nanoseconds: bigint): string {
  const negative = nanoseconds < 0n;
  const total = Number(negative ? -nanoseconds : nanoseconds) / 1e9;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = Number((total % 60).toFixed(9));
  const text = `${hours > 0 ? `${hours}h` : ""}${hours > 0 || minutes > 0 ? `${minutes}m` : ""}${seconds}s`;
  return negative ? `-${text}` : text;
}
