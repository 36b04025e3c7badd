/**
 * The request path, in the order it runs. Names equal file names, span names and metric labels; README.md has the same list with the
 * status code of each failure.
 */
import type { Next, RequestContext, Stage } from "./context.ts";
import type { Services } from "./services.ts";
import { accessLog } from "./stages/access-log.ts";
import { audit } from "./stages/audit.ts";
import { authenticate } from "./stages/authenticate.ts";
import { authorize } from "./stages/authorize.ts";
import { connect } from "./stages/connect.ts";
import { deadline } from "./stages/deadline.ts";
import { decode } from "./stages/decode.ts";
import { fillMetadata } from "./stages/fill-metadata.ts";
import { impersonate } from "./stages/impersonate.ts";
import { limit } from "./stages/limit.ts";
import { mutatingAdmission } from "./stages/mutating-admission.ts";
import { negotiate } from "./stages/negotiate.ts";
import { prepare } from "./stages/prepare.ts";
import { present } from "./stages/present.ts";
import { recover } from "./stages/recover.ts";
import { reply } from "./stages/reply.ts";
import { requestId } from "./stages/request-id.ts";
import { resolveRequest } from "./stages/resolve-request.ts";
import { retryOnConflict } from "./stages/retry-on-conflict.ts";
import { route } from "./stages/route.ts";
import { store } from "./stages/store.ts";
import { validateRules } from "./stages/validate-rules.ts";
import { validateSchema } from "./stages/validate-schema.ts";
import { validatingAdmission } from "./stages/validating-admission.ts";
import { warn } from "./stages/warn.ts";

export function pipeline(services: Services): readonly (readonly [name: string, stage: Stage])[] {
  return [
    ["requestId", requestId],
    ["accessLog", accessLog(services)],
    ["recover", recover],
    ["deadline", deadline(services.limits)],
    ["resolveRequest", resolveRequest(services.registry)],
    ["authenticate", authenticate(services)],
    ["impersonate", impersonate(services)],
    ["audit", audit(services)],
    ["limit", limit(services)],
    ["authorize", authorize(services)],
    ["route", route(services.routes)],
    ["negotiate", negotiate],
    ["connect", connect],
    ["retryOnConflict", retryOnConflict],
    ["decode", decode(services)],
    ["mutatingAdmission", mutatingAdmission(services.admission)],
    ["fillMetadata", fillMetadata(services)],
    ["prepare", prepare],
    ["validateSchema", validateSchema],
    ["validateRules", validateRules],
    ["warn", warn],
    ["validatingAdmission", validatingAdmission(services.admission)],
    ["store", store(services)],
    ["present", present],
    ["reply", reply],
  ];
}

/** Links the stages once: a request allocates no closures on its way. */
export function compose(stages: readonly (readonly [name: string, stage: Stage])[]): Next {
  const end: Next = () => {};
  return stages.reduceRight<Next>(
    (next, [, stage]) =>
      (ctx: RequestContext) =>
        stage(ctx, next),
    end,
  );
}
