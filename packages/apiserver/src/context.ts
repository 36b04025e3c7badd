import type { JsonObject, Negotiated } from "@krate/apimachinery";
import { ApiError, tooManyRequests } from "@krate/kinds";
import type { Body, Exchange, HeaderMap } from "./http/exchange.ts";
import type { RequestInfo, ResourceRequest } from "./request-info.ts";
import type { ServedResource } from "./resources/resource.ts";
import type { AuthorizationDecision, Services } from "./services.ts";
import type { ObjectKey, StoredObject, Watch } from "./storage/store.ts";

export interface UserInfo {
  readonly name: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Options of writes, from the query and, for deletes, from the body. */
export interface WriteOptions {
  dryRun: boolean;
  fieldValidation: "Ignore" | "Warn" | "Strict";
  fieldManager: string;
  force: boolean;
}

export interface DeleteOptions {
  propagationPolicy: "Orphan" | "Background" | "Foreground" | undefined;
  gracePeriodSeconds: number | undefined;
  uid: string | undefined;
  resourceVersion: string | undefined;
}

/** What the store stage found or did. */
export type Result =
  | { kind: "object"; status: number; stored: StoredObject }
  /** An object that is not stored as it is shown: dry run, review, subresource. `resource` when it is of another kind. */
  | { kind: "value"; status: number; value: JsonObject }
  | {
      kind: "list";
      revision: bigint;
      items: readonly StoredObject[];
      continue?: string | undefined;
      remainingItemCount?: number | undefined;
    }
  | {
      kind: "stream";
      revision: bigint;
      chunks: AsyncIterable<readonly StoredObject[]>;
      /** The same as bytes, see `ListStream.json`. */
      json(): AsyncIterable<readonly Buffer[]>;
      end(): { continue?: string; remainingItemCount?: number };
      /** A page: short enough to be collected before it is answered. */
      page: boolean;
    }
  | { kind: "watch"; watch: Watch; close(): void };

/** What reply writes. */
export type Response =
  | { kind: "bytes"; status: number; contentType: string; body: Body; headers?: HeaderMap | undefined }
  | {
      kind: "stream";
      status: number;
      contentType: string;
      chunks: AsyncIterable<Body>;
      headers?: HeaderMap | undefined;
    }
  /** Written as it comes. `forEach` resolves at the end; what went wrong was written, too. */
  | {
      kind: "frames";
      status: number;
      contentType: string;
      forEach(write: (frame: Buffer) => void | Promise<void>): Promise<void>;
      headers?: HeaderMap | undefined;
    };

const anonymous: UserInfo = { name: "system:anonymous", groups: ["system:unauthenticated"] };
const slowClientMilliseconds = 2000;
const maxAuditAnnotations = 100;
const maxAuditAnnotationCharacters = 10 * 1024;
const noParams = new URLSearchParams();

/** What a request holds while it is worked on. */
export interface HeldSeat {
  release(): void;
  /** Gives the seat back and goes on sending or receiving without one. False when too many do. */
  waitWithoutSeat(): boolean;
}

/** One request on its way through the pipeline. A class, so that all requests have one shape. */
export class RequestContext {
  readonly exchange: Exchange;
  readonly services: Services;
  readonly params: URLSearchParams;
  readonly startedAt = performance.now();
  requestId = "";
  info: RequestInfo;
  user: UserInfo = anonymous;
  /** Who really called, when `user` is impersonated. */
  impersonator: UserInfo | undefined = undefined;
  resource: ServedResource | undefined = undefined;
  accept: Negotiated = { as: "object", mediaType: "application/json" };
  options: WriteOptions | undefined = undefined;
  deleteOptions: DeleteOptions | undefined = undefined;
  operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT" | undefined = undefined;
  key: ObjectKey | undefined = undefined;
  /** The body as it came, read once: a patch is applied again after a conflict. */
  body: Buffer | undefined = undefined;
  existing: StoredObject | undefined = undefined;
  /** `existing`, decoded, in the version of the request. Never changed. */
  old: JsonObject | undefined = undefined;
  /** The object as it shall be; absent for deletes. */
  object: JsonObject | undefined = undefined;
  /** The client named no resourceVersion: a lost race may be run again. */
  retriable = false;
  /** A server-side apply. */
  applied = false;
  /** The name came from `generateName`. */
  nameGenerated = false;
  /** An update that changes nothing is not written. */
  unchanged = false;
  readonly warnings: string[] = [];
  /** What admission and others say about this request to the audit log; add with {@link addAuditAnnotation}. */
  auditAnnotations: Record<string, string> | undefined = undefined;
  result: Result | undefined = undefined;
  response: Response | undefined = undefined;
  /** Why the request failed; for the access log. */
  error: unknown = undefined;
  status = 0;
  /** Bytes of the answer's body, before compression. */
  responseBytes = 0;
  /** What the authorizer said; undefined before it was asked. */
  authorization: AuthorizationDecision | undefined = undefined;
  /** Called when a stream has begun. */
  onResponseStarted: (() => void) | undefined = undefined;
  /** Headers besides those of the response. */
  extraHeaders: HeaderMap | undefined = undefined;
  /** What the request holds while it is worked on; see `stages/limit.ts`. */
  seat: HeldSeat | undefined = undefined;
  #abort: AbortController | undefined = undefined;
  #deadlineReached = false;

  constructor(services: Services, exchange: Exchange, params: URLSearchParams = noParams) {
    this.services = services;
    this.exchange = exchange;
    this.info = { isResource: false, verb: exchange.method.toLowerCase(), path: exchange.path };
    this.params = params;
  }

  /** Aborted when the client goes or the deadline passes. Made on first use: most requests need none. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const controller = new AbortController();
      this.#abort = controller;
      if (this.#deadlineReached) controller.abort();
      this.exchange.onClose(() => controller.abort());
    }
    return this.#abort.signal;
  }

  get deadlineReached(): boolean {
    return this.#deadlineReached;
  }

  /** Ends what waits on `signal`. */
  expire(): void {
    this.#deadlineReached = true;
    this.#abort?.abort();
  }

  /** The request as a resource request; only for stages behind resolveRequest. */
  get target(): ResourceRequest {
    if (!this.info.isResource) throw new Error(`${this.info.path} is not a resource`);
    return this.info;
  }

  /** The resource; only for stages behind resolveRequest. */
  get served(): ServedResource {
    if (this.resource === undefined) throw new Error(`no resource was resolved for ${this.info.path}`);
    return this.resource;
  }

  /**
   * Adds to the annotations of the request's audit event; for admission plugins, named like `<plugin>/<what>`. The first value of a key
   * stays, as in kube-apiserver. Long values are cut at 10 KiB; the 101st key and those behind it are dropped.
   */
  addAuditAnnotation(key: string, value: string): void {
    this.auditAnnotations ??= {};
    if (Object.hasOwn(this.auditAnnotations, key)) return;
    if (Object.keys(this.auditAnnotations).length >= maxAuditAnnotations) return;
    this.auditAnnotations[key] = value.slice(0, maxAuditAnnotationCharacters);
  }

  /** The whole body. @throws RequestEntityTooLarge, BadRequest when the client stops in the middle, TooManyRequests */
  readBody(limitBytes = this.services.limits.maxBodyBytes): Promise<Buffer> {
    return this.waitForClient(this.exchange.readBody(limitBytes));
  }

  /**
   * Waits for the client to send or take bytes. After two seconds a slow one gives its seat back: it makes nobody work.
   * @throws TooManyRequests when too many are slow, Timeout when the request's time is over
   */
  waitForClient<T>(work: Promise<T>): Promise<T> {
    const { seat } = this;
    return new Promise<T>((resolve, reject) => {
      let onAbort: (() => void) | undefined;
      const timer = setTimeout(() => {
        if (seat !== undefined && !seat.waitWithoutSeat()) reject(tooManyRequests("too many slow clients", 1));
        onAbort = () => {
          if (this.#deadlineReached) reject(new ApiError("Timeout", "the client was too slow"));
        };
        if (this.#deadlineReached) onAbort();
        else this.signal.addEventListener("abort", onAbort);
      }, slowClientMilliseconds);
      work.then(resolve, reject).finally(() => {
        clearTimeout(timer);
        if (onAbort !== undefined) this.signal.removeEventListener("abort", onAbort);
      });
    });
  }

  warn(text: string): void {
    if (!this.warnings.includes(text)) this.warnings.push(text);
  }
}

/** One step of the request path. */
export type Next = (ctx: RequestContext) => void | Promise<void>;
export type Stage = (ctx: RequestContext, next: Next) => void | Promise<void>;
