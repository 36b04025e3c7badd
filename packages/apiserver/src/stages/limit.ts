import { type ApiError, tooManyRequests } from "@krate/kinds";
import type { Next, RequestContext, Stage } from "../context.ts";
import { type FlowSchema, flowSchemaOf, priorityLevels, uidOf } from "../fairness/flow-schemas.ts";
import { type Seat, type SeatLevel, SeatRefused, type SeatRequest, Seats } from "../fairness/seats.ts";
import { WorkEstimator } from "../fairness/work-estimate.ts";
import { isLongRunning } from "../long-running.ts";
import type { FlowLabels, Limits, RequestObserver } from "../services.ts";

type FairLimits = Pick<
  Limits,
  | "seats"
  | "maxWaiting"
  | "maxWaitingPerFlow"
  | "maxWaitSeconds"
  | "maxLongRunning"
  | "maxLongRunningPerFlow"
  | "maxSlowClients"
  | "maxSlowClientsPerFlow"
>;

/** How priorities stand to one another. */
export const limitedLevels: readonly SeatLevel[] = priorityLevels.flatMap(({ name, shares }) =>
  shares === undefined ? [] : [{ name, shares }],
);

export function seatsFor(limits: FairLimits, now?: () => number): Seats {
  const maxWaitMilliseconds = limits.maxWaitSeconds * 1000;
  return new Seats({ ...limits, maxWaitMilliseconds, levels: limitedLevels, ...(now !== undefined && { now }) });
}

/**
 * Priority and fairness: each request takes seats, lists up to ten, and when there are none its turn comes by what its user was given
 * before. Too many waiting, or too long: 429 with Retry-After. Watches and logs sit only until they have begun, slow clients only two seconds;
 * the number of both is bounded.
 * Administrators and health checks pass.
 */
export function limit({
  limits,
  observer,
  seats = seatsFor(limits),
}: {
  limits: FairLimits;
  observer: RequestObserver;
  seats?: Seats;
}): Stage {
  const estimator = new WorkEstimator();
  const streams = new FlowCounts({ max: limits.maxLongRunning, maxPerFlow: limits.maxLongRunningPerFlow });
  const slow = new FlowCounts({ max: limits.maxSlowClients, maxPerFlow: limits.maxSlowClientsPerFlow });
  observer.levels(Object.fromEntries(limitedLevels.map(({ name }) => [name, seats.nominalSeats(name)])));
  return (ctx, next) => {
    const schema = flowSchemaOf(ctx);
    const turn = new Turn(schema, observer);
    if (schema.level.shares === undefined) {
      turn.start(noSeat, false);
      if (isLongRunning(ctx)) ctx.seat = turn; // so that it counts as executing until it has begun
      return turn.during(ctx, next);
    }
    const flow = `${schema.name}\n${schema.flowOf(ctx)}`;
    if (isLongRunning(ctx)) {
      const leave = streams.enter(flow);
      if (leave === undefined) throw turn.refuse("concurrency-limit", false, ctx);
      turn.leaveAtEnd(leave);
    }
    turn.slowClients = { enter: () => slow.enter(flow) };
    const work = () => {
      ctx.seat = turn;
      return turn.during(ctx, next, estimator);
    };
    const taken = turn.take(ctx, seats, { level: schema.level.name, flow, seats: estimator.seatsOf(ctx) });
    return taken === undefined ? work() : taken.then(work);
  };
}

const noLeave = (): void => {};
const noSeat: Seat = { seats: 0, release() {} };

/** One request's way through the queue, as metrics see it. */
class Turn {
  readonly #labels: FlowLabels;
  readonly #schema: FlowSchema;
  readonly #observer: RequestObserver;
  readonly #since = performance.now();
  #seat: Seat | undefined;
  #isSlow = false;
  readonly #leaving: (() => void)[] = [];
  /** Where the request is counted when its client is slow. */
  slowClients: { enter(): (() => void) | undefined } = { enter: () => noLeave };

  constructor(schema: FlowSchema, observer: RequestObserver) {
    this.#schema = schema;
    this.#labels = labelsOf(schema);
    this.#observer = observer;
  }

  /** Undefined when there is a seat at once; otherwise resolves with the turn. @throws TooManyRequests */
  take(ctx: RequestContext, seats: Seats, wanted: Omit<SeatRequest, "onCancel">): Promise<void> | undefined {
    const refuse = (error: unknown, waited: boolean): never => {
      for (const leave of this.#leaving) leave();
      throw error instanceof SeatRefused ? this.refuse(error.reason, waited, ctx) : error;
    };
    let seat: Seat | Promise<Seat>;
    try {
      const onCancel = (cancel: () => void) => ctx.signal.addEventListener("abort", cancel, { once: true });
      seat = seats.take({ ...wanted, onCancel });
    } catch (error) {
      return refuse(error, false);
    }
    if (!(seat instanceof Promise)) {
      this.start(seat, false);
      return undefined;
    }
    this.#observer.queued(this.#labels);
    return seat.then(
      (given) => this.start(given, true),
      (error: unknown) => refuse(error, true),
    );
  }

  start(seat: Seat, waited: boolean): void {
    this.#seat = seat;
    this.#observer.seated(this.#labels, { seats: seat.seats, waitSeconds: this.waitSeconds, waited });
  }

  /** Called when the request is over, however it ended. */
  leaveAtEnd(leave: () => void): void {
    this.#leaving.push(leave);
  }

  async during(ctx: RequestContext, next: Next, estimator?: WorkEstimator): Promise<void> {
    this.#observer.working(ctx);
    try {
      await next(ctx);
      estimator?.answered(ctx, ctx.responseBytes);
    } finally {
      this.release();
      for (const leave of this.#leaving) leave();
      this.#observer.rested(ctx);
    }
  }

  /** Gives the seats back, once. */
  release(): void {
    if (this.#seat === undefined) return;
    this.#observer.left(this.#labels, this.#seat.seats);
    this.#seat.release();
    this.#seat = undefined;
  }

  waitWithoutSeat(): boolean {
    if (this.#isSlow) return true;
    const leave = this.slowClients.enter();
    if (leave === undefined) return false;
    this.leaveAtEnd(leave);
    this.#isSlow = true;
    this.release();
    return true;
  }

  refuse(reason: string, waited: boolean, ctx?: RequestContext): ApiError {
    this.#observer.refused(this.#labels, { reason, waitSeconds: this.waitSeconds, waited });
    if (ctx !== undefined) ctx.extraHeaders = priorityHeaders(this.#schema);
    return tooManyRequests("Too many requests, please try again later.", retryAfterSeconds);
  }

  get waitSeconds(): number {
    return (performance.now() - this.#since) / 1000;
  }
}

const retryAfterSeconds = 1;

function priorityHeaders({ name, level }: FlowSchema): Record<string, string> {
  return {
    "x-kubernetes-pf-flowschema-uid": uidOf("FlowSchema", name),
    "x-kubernetes-pf-prioritylevel-uid": uidOf("PriorityLevelConfiguration", level.name),
  };
}

const labels = new Map<string, FlowLabels>();

function labelsOf({ name, level }: FlowSchema): FlowLabels {
  let known = labels.get(name);
  if (known === undefined) {
    known = { priority_level: level.name, flow_schema: name };
    labels.set(name, known);
  }
  return known;
}

/** Requests that are under way without a seat, in all and by flow. */
class FlowCounts {
  readonly #max: number;
  readonly #maxPerFlow: number;
  readonly #byFlow = new Map<string, number>();
  #all = 0;

  constructor({ max, maxPerFlow }: { max: number; maxPerFlow: number }) {
    this.#max = max;
    this.#maxPerFlow = maxPerFlow;
  }

  /** Undefined when there are too many. */
  enter(flow: string): (() => void) | undefined {
    const before = this.#byFlow.get(flow) ?? 0;
    if (this.#all >= this.#max || before >= this.#maxPerFlow) return undefined;
    this.#all++;
    this.#byFlow.set(flow, before + 1);
    return () => {
      this.#all--;
      const left = (this.#byFlow.get(flow) ?? 1) - 1;
      if (left === 0) this.#byFlow.delete(flow);
      else this.#byFlow.set(flow, left);
    };
  }
}
