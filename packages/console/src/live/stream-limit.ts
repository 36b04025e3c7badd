import "server-only";

/** A browser opens a few; a program that opens more than this for one user is wrong or hostile. */
const maxStreamsPerUser = 64;

const open = new Map<string, number>();

/** Counts a stream of a user until `release`; undefined when the user has too many. */
export function openStream(user: string): { release(): void } | undefined {
  const count = open.get(user) ?? 0;
  if (count >= maxStreamsPerUser) return undefined;
  open.set(user, count + 1);
  let released = false;
  return {
    release() {
      if (released) return;
      released = true;
      const left = (open.get(user) ?? 1) - 1;
      if (left > 0) open.set(user, left);
      else open.delete(user);
    },
  };
}

export function tooManyStreams(): Response {
  const message = `more than ${maxStreamsPerUser} live streams are open: close a few tabs`;
  return Response.json({ reason: "TooManyRequests", message }, { status: 429, headers: { "retry-after": "5" } });
}
