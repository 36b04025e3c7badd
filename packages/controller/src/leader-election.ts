/**
 * One leader at a time, by a Lease (coordination.k8s.io). Source: k8s.io/client-go/tools/leaderelection.
 *
 *   candidate ──lease free, released, or not renewed for its whole duration (on OUR clock)──► leader
 *   leader ──renewed──► leader
 *   leader ──not renewed for renewDeadline──► work is aborted, then candidate again
 *   leader ──stop──► work ends, lease released
 *
 * Fencing: the leader counts from before it sent the last successful renewal and stops after `renewDeadline`; others count
 * from when they saw that renewal and wait `leaseDuration`, which is longer. Clocks of two machines are never compared.
 */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { isReason, Lease, type LeaseType } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import type { Logger } from "@krate/telemetry";

export interface LeaderElectionOptions {
  client: KubeClient;
  namespace: string;
  /** Name of the Lease. */
  name: string;
  log: Logger;
  /** @defaultValue host name, process id and a random part */
  identity?: string;
  /** How long others wait after the last renewal they saw. @defaultValue 15 s */
  leaseDurationSeconds?: number;
  /** The leader stops working when it could not renew for this long. @defaultValue 10 s */
  renewDeadlineSeconds?: number;
  /** Time between attempts to acquire or renew. @defaultValue 2 s */
  retryPeriodSeconds?: number;
  onChange?: (leading: boolean) => void;
}

export interface LeaderElector {
  /** Runs `work` whenever and as long as this process leads; resolves after `signal` aborted and the lease is released. */
  run(signal: AbortSignal, work: (leading: AbortSignal) => Promise<void>): Promise<void>;
  readonly identity: string;
  readonly isLeader: boolean;
}

export function leaderElector(options: LeaderElectionOptions): LeaderElector {
  const { client, namespace, name, log, onChange = () => undefined } = options;
  const leaseDurationSeconds = options.leaseDurationSeconds ?? 15;
  const renewDeadlineSeconds = options.renewDeadlineSeconds ?? 10;
  const retryPeriodSeconds = options.retryPeriodSeconds ?? 2;
  if (renewDeadlineSeconds >= leaseDurationSeconds || retryPeriodSeconds >= renewDeadlineSeconds)
    throw new Error("leader election: must be retryPeriod < renewDeadline < leaseDuration");
  const identity = options.identity ?? `${hostname()}_${process.pid}_${randomUUID().slice(0, 8)}`;
  let isLeader = false;
  let observed: { record: string; at: number } | undefined;

  const spec = (current: LeaseType | undefined): LeaseType["spec"] => {
    const now = new Date().toISOString().replace("Z", "000Z") as never; // MicroTime
    const same = current?.spec?.holderIdentity === identity;
    return {
      holderIdentity: identity,
      leaseDurationSeconds,
      renewTime: now,
      acquireTime: same ? current?.spec?.acquireTime : now,
      leaseTransitions: (current?.spec?.leaseTransitions ?? 0) + (same || !current ? 0 : 1),
    } as LeaseType["spec"];
  };

  /** True when the lease is ours after this call. */
  const tryAcquireOrRenew = async (signal: AbortSignal): Promise<boolean> => {
    const request = { signal, timeoutSeconds: renewDeadlineSeconds };
    const current = await client.find(Lease, { namespace, name }, request);
    if (!current) {
      try {
        await client.create(Lease, { metadata: { namespace, name }, spec: spec(undefined) } as never, request);
        return true;
      } catch (error) {
        if (isReason(error, "AlreadyExists")) return false;
        throw error;
      }
    }
    const record = JSON.stringify(current.spec ?? {});
    if (observed?.record !== record) observed = { record, at: performance.now() };
    const holder = current.spec?.holderIdentity;
    const duration = (current.spec?.leaseDurationSeconds ?? leaseDurationSeconds) * 1000;
    const isFree = !holder || holder === identity || performance.now() - observed.at > duration;
    if (!isFree) return false;
    try {
      await client.replace(Lease, { ...current, spec: spec(current) }, request);
      return true;
    } catch (error) {
      if (isReason(error, "Conflict")) return false;
      throw error;
    }
  };

  const attempt = async (signal: AbortSignal): Promise<boolean> => {
    try {
      return await tryAcquireOrRenew(signal);
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error, lease: name }, "the leader lease could not be read or written");
      return false;
    }
  };

  const pause = (signal: AbortSignal) =>
    sleep(retryPeriodSeconds * 1000 * (1 + Math.random() * 0.2), undefined, { signal }).catch(() => undefined);

  /** Renews until the signal aborts or the deadline has passed; resolves with whether the lease is still ours. */
  const keep = async (signal: AbortSignal, acquiredAt: number): Promise<boolean> => {
    let renewedAt = acquiredAt;
    while (!signal.aborted) {
      await pause(signal);
      if (signal.aborted) return true;
      const sentAt = performance.now();
      const remaining = renewDeadlineSeconds * 1000 - (sentAt - renewedAt);
      if (remaining <= 0) return false;
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(remaining))]);
      if (await attempt(deadline)) renewedAt = sentAt;
      else if (!signal.aborted && performance.now() - renewedAt >= renewDeadlineSeconds * 1000) return false;
    }
    return true;
  };

  const release = async () => {
    try {
      const current = await client.find(Lease, { namespace, name }, { timeoutSeconds: 3 });
      if (current?.spec?.holderIdentity !== identity) return;
      const free = { ...current.spec, holderIdentity: "", leaseDurationSeconds: 1 };
      await client.replace(Lease, { ...current, spec: free }, { timeoutSeconds: 3 });
    } catch (error) {
      log.warn({ err: error, lease: name }, "the leader lease could not be released; others wait until it ends");
    }
  };

  return {
    identity,
    get isLeader() {
      return isLeader;
    },
    async run(signal, work) {
      while (!signal.aborted) {
        const sentAt = performance.now();
        if (!(await attempt(signal))) {
          await pause(signal);
          continue;
        }
        isLeader = true;
        onChange(true);
        log.info({ lease: name, identity }, "leading");
        const leading = new AbortController();
        const stop = () => leading.abort(signal.reason);
        signal.addEventListener("abort", stop, { once: true });
        const working = work(leading.signal);
        const kept = await Promise.race([keep(leading.signal, sentAt), working.then(() => "ended" as const)]);
        leading.abort(new Error("the leader lease is lost"));
        signal.removeEventListener("abort", stop);
        await working;
        isLeader = false;
        onChange(false);
        if (kept === false) log.error({ lease: name }, "the leader lease was lost; standing for election again");
        else await release();
        if (kept === "ended") return;
      }
    },
  };
}
