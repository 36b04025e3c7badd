import { type ApiError, tooManyRequests } from "@krate/kinds";
import type { Next, RequestContext, Stage } from "../context.ts";
import { type FlowSchema, flowSchemaOf, priorityLevels, uidOf } from "../fairness/flow-schemas.ts";
import { type Seat, type SeatLevel, SeatRefused, Seats } from "../fairness/seats.ts";
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
  | "maxSlowUploads"
  | "maxSlowUploadsPerFlow"
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
 * before. Too many waiting, or too long: 429 with Retry-After. Watches and logs sit only until they have begun, slow uploads only two seconds;
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
  const uploads = new FlowCounts({ max: limits.maxSlowUploads, maxPerFlow: limits.maxSlowUploadsPerFlow });
  observer.levels(Object.fromEntries(limitedLevels.map(({ name }) => [name, seats.nominalSeats(name)])));
  return async (ctx, next) => {
    const schema = flowSchemaOf(ctx);
    const turn = new Turn(schema, observer);
    if (schema.level.shares === undefined) {
      turn.start(noSeat, false);
      return turn.during(ctx, next);
    }
    const flow = `${schema.name}\n${schema.flowOf(ctx)}`;
    const leaveStream = isLongRunning(ctx) ? streams.enter(flow) : noLeave;
    if (leaveStream === undefined) throw turn.refuse("concurrency-limit", false, ctx);
    turn.uploads = { enter: () => uploads.enter(flow) };
    try {
      await turn.wait(ctx, () =>
        seats.take({
          level: schema.level.name,
          flow,
          seats: estimator.seatsOf(ctx),
          onCancel: (cancel) => ctx.signal.addEventListener("abort", cancel, { once: true }),
        }),
      );
      ctx.seat = turn;
      await turn.during(ctx, next);
      estimator.answered(ctx, ctx.responseBytes);
    } finally {
      leaveStream();
    }
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
  #leaveUploads: () => void = noLeave;
  /** Where the request is counted when it receives without a seat. */
  uploads: { enter(): (() => void) | undefined } = { enter: () => noLeave };

  constructor(schema: FlowSchema, observer: RequestObserver) {
    this.#schema = schema;
    this.#labels = labelsOf(schema);
    this.#observer = observer;
  }

  async wait(ctx: RequestContext, take: () => Seat | Promise<Seat>): Promise<void> {
    let waited = false;
    try {
      const seat = take();
      waited = seat instanceof Promise;
      if (waited) this.#observer.queued(this.#labels);
      this.start(await seat, waited);
    } catch (error) {
      if (!(error instanceof SeatRefused)) throw error;
      throw this.refuse(error.reason, waited, ctx);
    }
  }

  start(seat: Seat, waited: boolean): void {
    this.#seat = seat;
    this.#observer.seated(this.#labels, { seats: seat.seats, waitSeconds: this.waitSeconds, waited });
  }

  async during(ctx: RequestContext, next: Next): Promise<void> {
    this.#observer.working(ctx);
    try {
      await next(ctx);
    } finally {
      this.release();
      this.#leaveUploads();
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
    const leave = this.uploads.enter();
    if (leave === undefined) return false;
    this.#leaveUploads = leave;
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
