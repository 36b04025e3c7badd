import type { ObjectEvent } from "./store.ts";

const frames = new WeakMap<ObjectEvent, Buffer>();
const close = Buffer.from("}\n");

/** The line of a JSON watch stream, `{"type":…,"object":…}` and a newline; made once, shared by all watchers of the event. */
export function watchFrame(event: ObjectEvent): Buffer {
  let frame = frames.get(event);
  if (!frame) {
    frame = Buffer.concat([Buffer.from(`{"type":"${event.type}","object":`), event.object.bytes, close]);
    frames.set(event, frame);
  }
  return frame;
}
