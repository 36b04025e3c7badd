/** What becomes of requests for whoever looks at them later: lines in the audit log by policy, AuditEvents of what people did. */
import type { Logger } from "@krate/telemetry";
import type { RequestContext } from "../context.ts";
import type { Auditor, RequestObserver, Services } from "../services.ts";
import { auditEvent } from "./event.ts";
import { type AuditPolicy, type AuditStage, defaultPolicy, ruleFor } from "./policy.ts";
import { factsOf, isRecorded } from "./record.ts";
import { RecordWriter } from "./record-writer.ts";

export interface AuditOptions {
  /** @defaultValue every write, without its bodies */
  policy?: AuditPolicy | undefined;
  /** Takes one event as a line of JSON. @defaultValue the program's own log */
  write?: ((line: string) => void) | undefined;
  /** AuditEvents of what people do to Krate's kinds. @defaultValue true where AuditEvents are served */
  records?: boolean | undefined;
}

export function auditor(
  { policy = defaultPolicy, write, records = true }: AuditOptions,
  services: Pick<Services, "store" | "registry" | "config" | "newUid" | "now" | "log" | "observer">,
): Auditor {
  const { observer, log, now } = services;
  const writer = records ? recordWriter(services) : undefined;
  const emit = (ctx: RequestContext, stage: AuditStage, error: unknown) => {
    const rule = ruleFor(policy, ctx);
    observer.auditLevel(rule?.level ?? "None");
    if (rule === undefined || rule.omitStages.includes(stage)) return;
    writeEvent(ctx, write, log, observer, () => auditEvent(ctx, { rule, stage, error, now: now() }));
  };
  return {
    started: (ctx) => emit(ctx, "ResponseStarted", undefined),
    completed(ctx, error) {
      emit(ctx, "ResponseComplete", error);
      if (writer !== undefined && isRecorded(ctx, error)) writer.add(factsOf(ctx, error, now()));
    },
    flush: async () => writer?.flush(),
    close: async () => writer?.close(),
  };
}

function writeEvent(
  ctx: RequestContext,
  write: AuditOptions["write"],
  log: Logger,
  observer: RequestObserver,
  make: () => object,
): void {
  try {
    const event = make();
    if (write === undefined) log.info({ audit: event }, "audit");
    else write(JSON.stringify(event));
    observer.audited();
  } catch (err) {
    observer.auditFailed("log", 1);
    log.error({ err, requestID: ctx.requestId }, "a request could not be audited");
  }
}

function recordWriter({
  registry,
  observer,
  ...services
}: Pick<Services, "store" | "registry" | "config" | "newUid" | "log" | "observer">): RecordWriter | undefined {
  const resource = registry.findResource("forge.krate.a5c.ai", "auditevents");
  if (resource === undefined) return undefined;
  return new RecordWriter({ ...services, resource, onDropped: (count) => observer.auditFailed("records", count) });
}

/** Nobody is told. */
export const silentAuditor: Auditor = {
  started() {},
  completed() {},
  flush: async () => {},
  close: async () => {},
};
