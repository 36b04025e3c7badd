/** Which pushes led from the newest patch set to where the head is now: read from the log of GitEvents, backwards. */

/** A push of the head as its GitEvent tells. */
export interface HeadPush {
  headSha: string;
  /** ISO 8601. */
  at: string;
  /** Absent when no event tells of it: the events of that time are gone, or came from elsewhere. */
  pusher?: string;
  gitEvent?: string;
}

/** An accepted update of the head branch. */
export interface HeadEvent {
  name: string;
  oldSha: string;
  newSha: string;
  user: string;
  receivedAt: string;
}

export interface HeadPushesInput {
  headSha: string;
  /** The newest patch set; absent for the first one, which is one entry whatever was pushed before. */
  newest?: { headSha: string; pushedAt: string };
  /** Accepted events of the head branch that moved it to a commit. */
  find(newSha: string): Promise<readonly HeadEvent[]>;
  /** When the head must have been where it is if no event says so, ISO 8601. */
  now: string;
  /** Most pushes that are found in one go; older ones of a longer chain become one entry. @defaultValue 100 */
  max?: number;
}

/** Oldest first; empty when the newest patch set is where the head is and was not left meanwhile. */
export async function headPushesSince({ headSha, newest, find, now, max = 100 }: HeadPushesInput): Promise<HeadPush[]> {
  const pushes: HeadPush[] = [];
  let sha = headSha;
  let before: string | undefined;
  while (pushes.length < max) {
    const event = (await find(sha))
      .filter(({ receivedAt }) => before === undefined || receivedAt < before)
      .filter(({ receivedAt }) => newest === undefined || receivedAt > newest.pushedAt)
      .reduce<HeadEvent | undefined>((a, b) => (a && a.receivedAt > b.receivedAt ? a : b), undefined);
    if (!event) {
      if (sha !== newest?.headSha && (pushes.length === 0 || newest === undefined))
        pushes.unshift({ headSha: sha, at: now });
      return pushes;
    }
    pushes.unshift({ headSha: sha, at: event.receivedAt, pusher: event.user, gitEvent: event.name });
    if (newest === undefined || /^0+$/.test(event.oldSha)) return pushes;
    sha = event.oldSha;
    before = event.receivedAt;
  }
  return pushes;
}
