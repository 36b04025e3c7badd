/**
 * Fair queuing over a fixed number of seats. A request sits on one seat or, when it is much work, on several; when all are taken it waits.
 *
 * Two levels of the same rule. Each level and each flow within it has a virtual time: how much work it was given, in seat-seconds (for a
 * level divided by its shares). Whoever has had least goes next; somebody new starts where the others are, so that not having asked earns
 * nothing. A request is charged what such requests took lately, and the difference when it ends. So a flow that sends a thousand requests
 * gets as much as one that sends ten, and waits for itself.
 *
 * Part of each level's due is kept for it: long requests of one level cannot hold every seat while another has none (a write waits for a
 * webhook, which has to read here). What is left goes to whoever is next.
 *
 * Everything is bounded: waiting requests in all, of one flow, and how long each waits.
 * Source: KEP-1040; "start-time fair queuing" (Goyal, Vin, Cheng 1996). Per-flow queues take the place of shuffle sharding: flows that
 * wait are at most as many as requests that wait.
 */

export interface SeatLevel {
  readonly name: string;
  readonly shares: number;
}

export interface SeatOptions {
  /** All there are. */
  seats: number;
  maxWaiting: number;
  maxWaitingPerFlow: number;
  maxWaitMilliseconds: number;
  levels: readonly SeatLevel[];
  /** Milliseconds that only grow. @defaultValue performance.now */
  now?: () => number;
}

export type Refusal = "queue-full" | "time-out" | "cancelled";

/** Why nobody will run the request; the caller makes the 429 of it. */
export class SeatRefused extends Error {
  readonly reason: Refusal;

  constructor(reason: Refusal) {
    super(`no seat: ${reason}`);
    this.reason = reason;
  }
}

export interface Seat {
  readonly seats: number;
  /** Gives the seat back; calling it again does nothing. */
  release(): void;
}

export interface SeatRequest {
  level: string;
  flow: string;
  seats: number;
  /** Stops waiting. */
  onCancel?: (cancel: () => void) => void;
}

interface Flow {
  readonly key: string;
  virtualTime: number;
  busy: number;
  readonly waiting: Waiting[];
}

interface Level extends SeatLevel {
  /** Seats nobody else gets. */
  readonly reserved: number;
  readonly flows: Map<string, Flow>;
  virtualTime: number;
  /** Where a flow that had nothing to do starts. */
  flowTime: number;
  busy: number;
  waiting: number;
  /** What a seat of this level was used for lately. */
  meanSeconds: number;
}

interface Waiting {
  readonly seats: number;
  readonly since: number;
  readonly start: (seat: Seat) => void;
  readonly refuse: (refusal: SeatRefused) => void;
}

/** Part of a level's due that is kept for it. */
const reservedPart = 1 / 3;
const maxIdleFlows = 4096;
const sweepMilliseconds = 250;
const initialMeanSeconds = 0.005;
const meanWeight = 0.1;
const minCharge = 1e-6;

export class Seats {
  readonly #options: SeatOptions;
  readonly #now: () => number;
  readonly #levels = new Map<string, Level>();
  #time = 0;
  #waiting = 0;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: SeatOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    const allShares = options.levels.reduce((sum, { shares }) => sum + shares, 0);
    for (const { name, shares } of options.levels) {
      this.#levels.set(name, {
        name,
        shares,
        reserved: Math.floor((options.seats * shares * reservedPart) / allShares),
        flows: new Map(),
        virtualTime: 0,
        flowTime: 0,
        busy: 0,
        waiting: 0,
        meanSeconds: initialMeanSeconds,
      });
    }
  }

  /** Seats a level is owed when all are busy; the rest of its time it may have more. */
  nominalSeats(name: string): number {
    const { shares } = this.#level(name);
    const allShares = this.#options.levels.reduce((sum, level) => sum + level.shares, 0);
    return Math.round((this.#options.seats * shares) / allShares);
  }

  /** Flows that are remembered. */
  get flowCount(): number {
    return [...this.#levels.values()].reduce((sum, { flows }) => sum + flows.size, 0);
  }

  /**
   * A seat at once when there is one, else when it is this request's turn.
   * @throws SeatRefused at once when too many wait; the promise rejects with one when the wait was too long or was cancelled
   */
  take(request: SeatRequest): Seat | Promise<Seat> {
    const level = this.#level(request.level);
    const flow = this.#flowOf(level, request.flow);
    const seats = Math.max(1, Math.min(request.seats, this.#widest(level)));
    if (level.waiting === 0 && this.#fits(level, seats) && !this.#othersFirst(level, seats)) {
      return this.#seat(level, flow, seats);
    }
    const { maxWaiting, maxWaitingPerFlow } = this.#options;
    if (flow.waiting.length >= maxWaitingPerFlow || (this.#waiting >= maxWaiting && !this.#makeRoom(flow))) {
      throw new SeatRefused("queue-full");
    }
    return new Promise<Seat>((resolve, reject) => {
      const waiting: Waiting = { seats, since: this.#now(), start: resolve, refuse: reject };
      this.#enqueue(level, flow, waiting);
      request.onCancel?.(() => {
        const at = flow.waiting.indexOf(waiting);
        if (at !== -1) this.#refuse(level, flow, at, "cancelled");
      });
    });
  }

  #level(name: string): Level {
    const level = this.#levels.get(name);
    if (level === undefined) throw new Error(`there is no level ${name}`);
    return level;
  }

  #flowOf(level: Level, key: string): Flow {
    const known = level.flows.get(key);
    if (known !== undefined) {
      if (known.waiting.length === 0) known.virtualTime = Math.max(known.virtualTime, level.flowTime);
      return known;
    }
    if (level.flows.size >= maxIdleFlows) forgetIdleFlows(level);
    const made: Flow = { key, virtualTime: level.flowTime, busy: 0, waiting: [] };
    level.flows.set(key, made);
    return made;
  }

  /** A wide request must fit once everybody else's reserve is kept. */
  #widest(level: Level): number {
    let others = 0;
    for (const each of this.#levels.values()) if (each !== level) others += each.reserved;
    return Math.max(1, this.#options.seats - others);
  }

  #fits(level: Level, seats: number): boolean {
    if (level.busy + seats <= level.reserved) return true;
    let taken = level.busy;
    for (const each of this.#levels.values()) if (each !== level) taken += Math.max(each.busy, each.reserved);
    return taken + seats <= this.#options.seats;
  }

  /** Another level waits for shared seats: a newcomer must not overtake it. */
  #othersFirst(level: Level, seats: number): boolean {
    if (this.#waiting === 0 || level.busy + seats <= level.reserved) return false;
    for (const each of this.#levels.values()) if (each !== level && each.waiting > 0) return true;
    return false;
  }

  /** When all places are taken, the flow with most waiting requests loses its last one to a flow that has fewer. */
  #makeRoom(newcomer: Flow): boolean {
    let most: { level: Level; flow: Flow } | undefined;
    for (const level of this.#levels.values()) {
      if (level.waiting === 0) continue;
      for (const flow of level.flows.values()) {
        if (flow.waiting.length > (most?.flow.waiting.length ?? newcomer.waiting.length + 1)) most = { level, flow };
      }
    }
    if (most === undefined) return false;
    this.#refuse(most.level, most.flow, most.flow.waiting.length - 1, "queue-full");
    return true;
  }

  #enqueue(level: Level, flow: Flow, waiting: Waiting): void {
    if (level.waiting === 0) level.virtualTime = Math.max(level.virtualTime, this.#time);
    flow.waiting.push(waiting);
    level.waiting++;
    this.#waiting++;
    this.#sweeper ??= setInterval(() => this.#sweep(), sweepMilliseconds).unref();
    this.#dispatch();
  }

  #refuse(level: Level, flow: Flow, at: number, reason: Refusal): void {
    const [waiting] = flow.waiting.splice(at, 1);
    this.#left(level);
    waiting?.refuse(new SeatRefused(reason));
  }

  #left(level: Level): void {
    level.waiting--;
    this.#waiting--;
    if (this.#waiting === 0) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
  }

  #seat(level: Level, flow: Flow, seats: number): Seat {
    if (level.waiting === 0) level.virtualTime = Math.max(level.virtualTime, this.#time);
    const charged = Math.max(minCharge, level.meanSeconds);
    this.#time = Math.max(this.#time, level.virtualTime);
    level.virtualTime += (seats * charged) / level.shares;
    level.flowTime = Math.max(level.flowTime, flow.virtualTime);
    flow.virtualTime += seats * charged;
    level.busy += seats;
    flow.busy += seats;
    const since = this.#now();
    let held = true;
    return {
      seats,
      release: () => {
        if (!held) return;
        held = false;
        const seconds = Math.max(minCharge, (this.#now() - since) / 1000);
        level.meanSeconds += (seconds - level.meanSeconds) * meanWeight;
        level.virtualTime += (seats * (seconds - charged)) / level.shares;
        flow.virtualTime += seats * (seconds - charged);
        level.busy -= seats;
        flow.busy -= seats;
        this.#dispatch();
      },
    };
  }

  #dispatch(): void {
    while (this.#waiting > 0) {
      const found = this.#next();
      if (found === undefined) return;
      const { level, flow } = found;
      const waiting = flow.waiting.shift() as Waiting;
      this.#left(level);
      waiting.start(this.#seat(level, flow, waiting.seats));
    }
  }

  /**
   * The next request that may run: of the level that is owed most, and when that one has to wait for a wide request's seats, of a
   * level that still has seats of its own.
   */
  #next(): { level: Level; flow: Flow } | undefined {
    const levels = [...this.#levels.values()].filter(({ waiting }) => waiting > 0);
    levels.sort((a, b) => a.virtualTime - b.virtualTime);
    for (const [at, level] of levels.entries()) {
      const flow = nextFlow(level);
      const { seats } = flow.waiting[0] as Waiting;
      if (at === 0 ? this.#fits(level, seats) : level.busy + seats <= level.reserved) return { level, flow };
    }
    return undefined;
  }

  #sweep(): void {
    const before = this.#now() - this.#options.maxWaitMilliseconds;
    for (const level of this.#levels.values()) {
      if (level.waiting === 0) continue;
      for (const flow of level.flows.values()) {
        while (flow.waiting[0] !== undefined && flow.waiting[0].since <= before)
          this.#refuse(level, flow, 0, "time-out");
      }
    }
  }
}

/** Only for levels where somebody waits. */
function nextFlow(level: Level): Flow {
  let best: Flow | undefined;
  for (const flow of level.flows.values()) {
    if (flow.waiting.length > 0 && (best === undefined || flow.virtualTime < best.virtualTime)) best = flow;
  }
  return best as Flow;
}

/** Flows that had nothing to do are forgotten, those that owe nothing first. */
function forgetIdleFlows(level: Level): void {
  for (const owing of [false, true]) {
    for (const [key, flow] of level.flows) {
      const isIdle = flow.busy === 0 && flow.waiting.length === 0;
      if (isIdle && (owing || flow.virtualTime <= level.flowTime)) level.flows.delete(key);
    }
    if (level.flows.size < maxIdleFlows) return;
  }
}
